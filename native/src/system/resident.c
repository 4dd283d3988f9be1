/* SPDX-License-Identifier: Apache-2.0 */
#include "system/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/guard.h"

enum { STATUS_BYTES = 4096 };

static int read_status(char text[STATUS_BYTES])
{
	LS_CLOSE int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t bytes;

	if (fd < 0)
		return -errno;
	bytes = read(fd, text, STATUS_BYTES - 1);
	if (bytes < 0)
		return -errno;
	text[bytes] = '\0';
	return 0;
}

static int64_t find(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	long long kib;

	if (!line || sscanf(line + strlen(name), "%lld", &kib) != 1)
		return -ENODATA;
	return (int64_t)kib * 1024;
}

/* Source: proc_pid_clear_refs(5); 5 since Linux 4.0. */
static int64_t reset_peak(void)
{
	LS_CLOSE int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "5", 1) != 1 ? -errno : 0;
}

void ls_resident_enter(struct ls_resident *resident)
{
	char text[STATUS_BYTES];
	int err = read_status(text);

	resident->before_bytes = err ? err : find(text, "VmRSS:");
	resident->peak_bytes = reset_peak();
}

void ls_resident_leave(struct ls_resident *resident)
{
	char text[STATUS_BYTES];
	int err = read_status(text);

	resident->after_bytes = err ? err : find(text, "VmRSS:");
	if (!resident->peak_bytes)
		resident->peak_bytes = err ? err : find(text, "VmHWM:");
}
