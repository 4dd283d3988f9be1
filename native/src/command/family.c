/* SPDX-License-Identifier: Apache-2.0 */
#include "command/family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/guard.h"
#include "system/clock.h"

enum {
	PAUSE_NS = 1000000,
	STAT_BYTES = 256,	/* its first fields: the name has 64 bytes at most */
};

/* The parent of a process, or -1 where there is none of that number. Source: proc_pid_stat(5). */
static long parent_of(long pid)
{
	char path[64], text[STAT_BYTES];
	const char *name_end;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	LS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	name_end = strrchr(text, ')');
	/* A blank, the state, a blank. */
	return name_end && strlen(name_end) > 4 ? strtol(name_end + 4, NULL, 10) : -1;
}

static int kill_children(void)
{
	const long self = getpid();
	const struct dirent *entry;
	DIR *directory = opendir("/proc");

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && parent_of(pid) == self)
			kill((pid_t)pid, SIGKILL);
	}
	closedir(directory);
	return 0;
}

/* Returns whether this process has children still. */
static int reap(int64_t *killed)
{
	for (;;) {
		int status;
		pid_t ended = waitpid(-1, &status, WNOHANG);

		if (!ended)
			return 1;
		if (ended < 0 && errno != EINTR)
			return 0;
		if (ended > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			++*killed;
	}
}

int ls_family_end(int64_t limit_ns, int64_t *ret)
{
	const int64_t end_ns = ls_clock_now() + limit_ns;

	while (reap(ret)) {
		int err = kill_children();

		if (err)
			return err;
		if (ls_clock_now() > end_ns)
			return -ETIMEDOUT;
		ls_clock_pause(PAUSE_NS);
	}
	return 0;
}
