/* SPDX-License-Identifier: Apache-2.0 */
#include "page/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/guard.h"

enum { STAT_BYTES = 2048, PF_KTHREAD = 0x00200000 };

int ls_process_open(uint64_t pid, int *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%" PRIu64, pid);
	*ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static int read_stat(int directory, char *text)
{
	LS_CLOSE int fd = openat(directory, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	do
		got = read(fd, text, STAT_BYTES - 1);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	text[got] = '\0';
	return got ? 0 : -ESRCH;
}

int ls_process_read(int directory, struct ls_process *ret)
{
	char text[STAT_BYTES];
	const char *fields;
	unsigned long flags;
	int err = read_stat(directory, text);

	if (err)
		return err;
	/* The name before may hold anything, parentheses as well. */
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields,
			      ") %c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d"
			      " %*d %*d %*d %*d %" SCNu64,
			      &ret->state, &flags, &ret->start_ticks) != 3)
		return -EBADMSG;
	ret->is_kernel_thread = !!(flags & PF_KTHREAD);
	return 0;
}
