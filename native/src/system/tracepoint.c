/* SPDX-License-Identifier: Apache-2.0 */
#include "system/tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/guard.h"

enum {
	/* Source: include/uapi/linux/mount.h. */
	CMD_CREATE = 6,
	NAME_BYTES = 128,
	NUMBER_BYTES = 16,
};

/* A detached mount of tracefs, without a path; it ends when the descriptor is closed. */
static int open_detached(void)
{
	LS_CLOSE int context = (int)syscall(SYS_fsopen, "tracefs", 1);
	int fd = -1;

	if (context >= 0 && !syscall(SYS_fsconfig, context, CMD_CREATE, NULL, NULL, 0))
		fd = (int)syscall(SYS_fsmount, context, 1, 0);
	return fd < 0 ? -errno : fd;
}

static int open_tracefs(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (uint32_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && !faccessat(fd, "events", F_OK, 0))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return open_detached();
}

static int find_id(const char *event, uint64_t *ret)
{
	char name[NAME_BYTES], text[NUMBER_BYTES] = { 0 };
	LS_CLOSE int tracefs = open_tracefs();
	LS_CLOSE int fd = -1;
	ssize_t got;

	if (tracefs < 0)
		return tracefs;
	snprintf(name, sizeof(name), "events/%s/id", event);
	fd = openat(tracefs, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return got ? -errno : -ENODATA;
	*ret = strtoull(text, NULL, 10);
	return 0;
}

int ls_tracepoint_open(const char *event, const char *filter, int *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.disabled = 1,
		.inherit = 1,
	};
	uint64_t id = 0;
	int fd, err = find_id(event, &id);

	if (err)
		return err;
	attr.config = id;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter)) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret = fd;
	return 0;
}

int ls_tracepoint_start(int counter)
{
	return ioctl(counter, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
}

int ls_tracepoint_stop(int counter)
{
	return ioctl(counter, PERF_EVENT_IOC_DISABLE, 0) ? -errno : 0;
}

int ls_tracepoint_read(int counter, uint64_t *ret)
{
	ssize_t got = read(counter, ret, sizeof(*ret));

	if (got < 0)
		return -errno;
	return got == sizeof(*ret) ? 0 : -EIO;
}
