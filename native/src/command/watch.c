/* SPDX-License-Identifier: Apache-2.0 */
#include "command/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/family.h"
#include "command/output.h"
#include "command/shell.h"
#include "system/clock.h"

enum {
	READ_BYTES = 1 << 16,
	/* What lies in a pipe when its writer has ended; one that writes on is not waited for. */
	LAST_READS = 64,
	NS_PER_MS = 1000000,
};

/* For a process to end that was killed, and for one that is ready to end by itself. */
static const int64_t end_limit_ns = INT64_C(5000000000);
static const int64_t ready_limit_ns = INT64_C(5000000000);

enum source { SIGNALS, OUT, ERR, READY, SOURCES };

struct watch {
	const struct ls_command *command;
	struct ls_command_report *report;
	int region_end;
	struct pollfd sources[SOURCES];
	struct ls_output out;
	struct ls_output err;
	int64_t deadline_ns;
	int has_told;		/* that the region has ended */
	int is_killed;
	int has_ended;
};

static void fail(struct watch *watch, int code, const char *step)
{
	watch->report->code = code;
	snprintf(watch->report->step, sizeof(watch->report->step), "%s", step);
	watch->has_ended = 1;
}

/* The Job's process is told; where it is gone there is nobody to tell. */
static void tell_region_end(struct watch *watch)
{
	ssize_t put;

	if (watch->has_told)
		return;
	watch->has_told = 1;
	do {
		put = write(watch->region_end, "", 1);
	} while (put < 0 && errno == EINTR);
}

static void kill_command(struct watch *watch, int64_t now_ns)
{
	/* Before it leads a group it is one process. */
	if (kill(-watch->report->shell, SIGKILL))
		kill(watch->report->shell, SIGKILL);
	watch->is_killed = 1;
	watch->deadline_ns = now_ns + end_limit_ns;
}

static void take_ready(struct watch *watch, int64_t now_ns)
{
	if (watch->report->ready_ns)
		return;
	watch->report->ready_ns = now_ns;
	if (!watch->command->is_ended_by_word)
		return;
	tell_region_end(watch);
	if (now_ns + ready_limit_ns < watch->deadline_ns)
		watch->deadline_ns = now_ns + ready_limit_ns;
}

static void take_marks(struct watch *watch, const struct ls_marks *marks, int64_t now_ns)
{
	if (marks->is_loading && !watch->report->loading_ns)
		watch->report->loading_ns = now_ns;
	if (marks->is_ready)
		take_ready(watch, now_ns);
}

/* Takes a piece of what is there to be read; returns whether there was one. */
static int take(struct watch *watch, enum source source, int64_t now_ns)
{
	static char bytes[READ_BYTES];
	struct ls_marks marks = { 0 }, unused = { 0 };
	ssize_t got = read(watch->sources[source].fd, bytes, sizeof(bytes));

	if (got <= 0) {
		if (!got || (errno != EAGAIN && errno != EINTR)) {
			close(watch->sources[source].fd);
			watch->sources[source].fd = -1;
		}
		return 0;
	}
	if (source == READY)
		marks.is_ready = 1;
	else if (source == OUT)
		ls_output_take(&watch->out, bytes, (size_t)got, &marks);
	else
		ls_output_take(&watch->err, bytes, (size_t)got, &unused);
	take_marks(watch, &marks, now_ns);
	return 1;
}

static void take_rest(struct watch *watch, int64_t now_ns)
{
	for (enum source source = OUT; source < SOURCES; source++)
		for (int i = 0; i < LAST_READS && watch->sources[source].fd >= 0; i++)
			if (!take(watch, source, now_ns))
				break;
}

/* Others than the shell, which were left to this process, are reaped at the end. */
static void take_end(struct watch *watch, int64_t now_ns)
{
	const pid_t shell = watch->report->shell;
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)shell, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
		return;
	watch->report->end_ns = now_ns;
	tell_region_end(watch);
	/* Until the shell is reaped its number is that of no other group. */
	kill(-shell, SIGKILL);
	waitpid(shell, &watch->report->status, 0);
	take_rest(watch, now_ns);
	watch->has_ended = 1;
}

/* The process of the Job has died, or somebody wants this one to end. */
static void end_all(struct watch *watch) __attribute__((noreturn));

static void end_all(struct watch *watch)
{
	kill_command(watch, ls_clock_now());
	ls_family_end(end_limit_ns, &watch->report->left);
	_exit(1);
}

static void take_signals(struct watch *watch, int64_t now_ns)
{
	struct signalfd_siginfo info;

	while (read(watch->sources[SIGNALS].fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			end_all(watch);
	take_end(watch, now_ns);
}

static void take_limit(struct watch *watch, int64_t now_ns)
{
	if (watch->is_killed) {
		fail(watch, -ETIMEDOUT, "end command");
		return;
	}
	if (watch->command->is_ended_by_word && watch->report->ready_ns)
		watch->report->is_stopped = 1;
	else
		watch->report->is_late = 1;
	kill_command(watch, now_ns);
}

/* Rounded up, so that poll does not return just before the deadline. */
static int left_ms(int64_t deadline_ns)
{
	int64_t left = (deadline_ns - ls_clock_now() + NS_PER_MS - 1) / NS_PER_MS;

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void watch_command(struct watch *watch)
{
	while (!watch->has_ended) {
		int count = poll(watch->sources, SOURCES, left_ms(watch->deadline_ns));
		int64_t now_ns = ls_clock_now();

		if (count < 0 && errno != EINTR)
			fail(watch, -errno, "poll");
		for (enum source source = OUT; count > 0 && source < SOURCES; source++)
			if (watch->sources[source].revents)
				take(watch, source, now_ns);
		if (count > 0 && watch->sources[SIGNALS].revents)
			take_signals(watch, now_ns);
		if (!watch->has_ended && now_ns >= watch->deadline_ns)
			take_limit(watch, now_ns);
	}
}

/* SIGTERM is what this process gets when that of the Job has ended. */
static int open_signals(pid_t parent)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &signals, NULL) || prctl(PR_SET_PDEATHSIG, SIGTERM))
		return -errno;
	/* QEMU's emulation of a user's processes has none: there the process group is all. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) && errno != EINVAL)
		return -errno;
	if (getppid() != parent)
		_exit(1);
	fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int prepare(struct watch *watch, pid_t parent)
{
	int fd;

	/* What ends the Job's process group leaves this one time to end the command. */
	setsid();
	fd = open_signals(parent);
	if (fd < 0)
		return fd;
	for (enum source source = SIGNALS; source < SOURCES; source++)
		watch->sources[source] = (struct pollfd){ .fd = -1, .events = POLLIN };
	watch->sources[SIGNALS].fd = fd;
	return 0;
}

static int start(struct watch *watch)
{
	struct ls_shell_pipes pipes;
	int err = ls_shell_start(watch->command, watch->report, &pipes);

	if (err)
		return err;
	watch->sources[OUT].fd = pipes.out;
	watch->sources[ERR].fd = pipes.err;
	watch->sources[READY].fd = pipes.ready;
	for (enum source source = OUT; source < SOURCES; source++)
		if (fcntl(watch->sources[source].fd, F_SETFL, O_NONBLOCK))
			return -errno;
	watch->deadline_ns = watch->report->start_ns + watch->command->limit_ns;
	return 0;
}

static void conclude(struct watch *watch)
{
	struct ls_command_report *report = watch->report;
	int err;

	tell_region_end(watch);
	err = ls_family_end(end_limit_ns, &report->left);
	if (err && !report->code)
		fail(watch, err, "end command");
	getrusage(RUSAGE_CHILDREN, &report->usage);
	report->printed_bytes = (int64_t)(watch->out.bytes + watch->err.bytes);
	ls_output_last_words(&watch->err, report->last_words);
	if (!*report->last_words)
		ls_output_last_words(&watch->out, report->last_words);
	report->is_whole = 1;
}

void ls_watch(const struct ls_command *command, struct ls_command_report *report, pid_t parent,
	      int go, int region_end)
{
	struct watch watch = { .command = command, .report = report, .region_end = region_end };
	int err = prepare(&watch, parent);
	char byte;

	/* Ends, too, with the process that was to write it. */
	if (!err && read(go, &byte, 1) != 1)
		_exit(1);
	if (!err)
		err = start(&watch);
	if (err)
		fail(&watch, err, "start shell");
	watch_command(&watch);
	conclude(&watch);
	_exit(0);
}
