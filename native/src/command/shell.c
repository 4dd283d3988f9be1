/* SPDX-License-Identifier: Apache-2.0 */
#include "command/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system/clock.h"

enum {
	PIPES = 3,
	LEAST_FD = 10,		/* above those that the shell gets */
	SIGNALS = 64,
	LARGEST_SIGACTION = 64,
	NOT_FOUND_STATUS = 127,
};

static const char *const shells[] = { "/bin/sh", "/system/bin/sh" };

static void close_pipes(int (*pipes)[2], int count)
{
	for (int i = 0; i < count; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static int open_pipes(int (*pipes)[2])
{
	for (int i = 0; i < PIPES; i++) {
		if (pipe2(pipes[i], O_CLOEXEC)) {
			int err = -errno;

			close_pipes(pipes, i);
			return err;
		}
	}
	return 0;
}

static void refuse(struct ls_command_report *report, const char *step) __attribute__((noreturn));

static void refuse(struct ls_command_report *report, const char *step)
{
	report->code = -errno;
	snprintf(report->step, sizeof(report->step), "%s", step);
	_exit(NOT_FOUND_STATUS);
}

/*
 * What this process ignores or blocks is no concern of the command. The C library refuses to
 * touch signals of its own (32 and 33), which posix_spawn, and so make, has children ignore:
 * hence the system call. An action that is all zeros is SIG_DFL, whatever its layout.
 */
static void reset_signals(void)
{
	static const unsigned char by_default[LARGEST_SIGACTION];
	sigset_t none;

	for (int number = 1; number <= SIGNALS; number++)
		syscall(SYS_rt_sigaction, number, by_default, NULL, SIGNALS / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0 is /dev/null, 1, 2 and LS_READY_FD are the pipes' ends; all others are closed by exec. */
static int place_descriptors(int (*pipes)[2])
{
	static const int places[PIPES] = { STDOUT_FILENO, STDERR_FILENO, LS_READY_FD };
	int ends[PIPES], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -1;
	for (int i = 0; i < PIPES; i++) {
		ends[i] = fcntl(pipes[i][1], F_DUPFD_CLOEXEC, LEAST_FD);
		if (ends[i] < 0)
			return -1;
	}
	for (int i = 0; i < PIPES; i++)
		if (dup2(ends[i], places[i]) < 0)
			return -1;
	return 0;
}

static int set_environment(const struct ls_command *command)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", LS_READY_FD);
	return setenv("LOADSTONE_READY_FD", number, 1) ||
	       setenv("LOADSTONE_MODEL", command->file, 1);
}

static void become_shell(const struct ls_command *command, struct ls_command_report *report,
			 pid_t parent, int (*pipes)[2]) __attribute__((noreturn));

static void become_shell(const struct ls_command *command, struct ls_command_report *report,
			 pid_t parent, int (*pipes)[2])
{
	const char *shell = shells[access(shells[0], X_OK) ? 1 : 0];
	struct rusage usage;

	reset_signals();
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(NOT_FOUND_STATUS);
	if (place_descriptors(pipes) || set_environment(command))
		refuse(report, "prepare shell");
	/* exec leaves it the peak of this copy of the Job's process. */
	if (!getrusage(RUSAGE_SELF, &usage))
		report->inherited_peak_kib = usage.ru_maxrss;
	execl(shell, "sh", "-c", command->text, (char *)NULL);
	refuse(report, "start shell");
}

int ls_shell_start(const struct ls_command *command, struct ls_command_report *report,
		   struct ls_shell_pipes *ret)
{
	const pid_t parent = getpid();
	int pipes[PIPES][2];
	int err = open_pipes(pipes);
	pid_t pid;

	if (err)
		return err;
	report->start_ns = ls_clock_now();
	/* The report is shared memory: the child must not write its own 0. */
	pid = fork();
	if (pid == 0)
		become_shell(command, report, parent, pipes);
	if (pid < 0) {
		err = -errno;
		close_pipes(pipes, PIPES);
		return err;
	}
	report->shell = pid;
	for (int i = 0; i < PIPES; i++)
		close(pipes[i][1]);
	*ret = (struct ls_shell_pipes){ pipes[0][0], pipes[1][0], pipes[2][0] };
	return 0;
}
