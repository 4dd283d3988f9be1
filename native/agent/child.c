/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "death.h"
#include "in_child.h"
#include "json.h"

enum {
	READ_BYTES = 64 << 10,
	LETTING_GO_MS = 5000,
	PAUSE_MS_MAX = 50,
	DEATH_BYTES = 160,
};

struct child {
	pid_t pid;
	int answers;		/* its output arrives here */
	int64_t deadline_ns;
	char *text;
	size_t bytes;
	size_t room;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Rounded up, so that poll does not return just before the deadline. */
static int left_ms(int64_t deadline_ns)
{
	int64_t left = (deadline_ns - now_ns() + 999999) / 1000000;

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static int start(const struct ls_job_line *line, int is_for_person, struct child *ret)
{
	const pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret->deadline_ns = now_ns() + (int64_t)(line->timeout_s * 1e9);
	ret->pid = fork();
	if (ret->pid == 0) {
		close(ends[0]);
		ls_in_child(line, ends[1], parent, is_for_person);
	}
	ret->answers = ends[0];
	close(ends[1]);
	if (ret->pid > 0)
		return 0;
	close(ends[0]);
	return -errno;
}

static int make_room(struct child *child)
{
	char *text;

	if (child->room - child->bytes >= READ_BYTES)
		return 0;
	text = realloc(child->text, child->room * 2 + READ_BYTES);
	if (!text)
		return -ENOMEM;
	child->text = text;
	child->room = child->room * 2 + READ_BYTES;
	return 0;
}

/* 1 when bytes were read, 0 at the end. */
static int take_some(struct child *child)
{
	ssize_t got;
	int err = make_room(child);

	if (err)
		return err;
	do {
		got = read(child->answers, child->text + child->bytes, READ_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	child->bytes += (size_t)got;
	return got > 0;
}

/* What poll reports of an output whose reader has closed it; no other event is requested. */
static int is_gone(const struct pollfd *output)
{
	return output->revents & (POLLERR | POLLHUP | POLLNVAL);
}

/*
 * Reads until the child has closed its end. -ETIMEDOUT, or -EPIPE when our own output has no
 * reader.
 */
static int await_answer(struct child *child)
{
	struct pollfd fds[] = {
		{ .fd = child->answers, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	int got = 1;

	while (got > 0) {
		int ready = poll(fds, 2, left_ms(child->deadline_ns));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return -errno;
		if (is_gone(&fds[1]))
			return -EPIPE;
		if (ready)
			got = take_some(child);
		else if (!left_ms(child->deadline_ns))
			return -ETIMEDOUT;
	}
	return got;
}

/* Waits until the process has ended: one in uninterruptible sleep may never end. */
static int await_end(const struct child *child, int64_t deadline_ns, int *status)
{
	struct pollfd output = { .fd = STDOUT_FILENO };

	for (int pause_ms = 1;; pause_ms *= 2) {
		pid_t ended = waitpid(child->pid, status, WNOHANG);
		int left = left_ms(deadline_ns);

		if (ended == child->pid)
			return 0;
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (!left)
			return -ETIMEDOUT;
		if (pause_ms > PAUSE_MS_MAX)
			pause_ms = PAUSE_MS_MAX;
		poll(&output, 1, pause_ms < left ? pause_ms : left);
		if (is_gone(&output))
			return -EPIPE;
	}
}

static int is_whole(const struct child *child)
{
	return child->bytes && child->text[child->bytes - 1] == '\n';
}

static int put(const struct child *child)
{
	fwrite(child->text, 1, child->bytes, stdout);
	return fflush(stdout) ? -errno : 0;
}

static int put_death(const char *death, int is_for_person)
{
	if (is_for_person)
		fprintf(stderr, "loadstone-agent: the Job's process: %s\n", death);
	ls_json_death(stdout, death);
	return fflush(stdout) ? -errno : 1;
}

static int put_error(int code, int is_for_person)
{
	struct ls_error error = { .code = code, .step = "start the Job's process", .offset = -1 };

	if (is_for_person)
		fprintf(stderr, "loadstone-agent: %s: %s\n", error.step, strerror(-code));
	ls_json_error(stdout, &error);
	return fflush(stdout) ? -errno : 1;
}

static int give_up(const struct child *child, double limit_s, int is_for_person)
{
	char death[DEATH_BYTES];
	int status;

	kill(child->pid, SIGKILL);
	ls_death_by_limit(limit_s,
			  !await_end(child, now_ns() + LETTING_GO_MS * INT64_C(1000000), &status),
			  death, sizeof(death));
	return put_death(death, is_for_person);
}

/* Any other exit code comes from a sanitizer: the Job's output before it is not to be trusted. */
static int report(const struct child *child, int status, int is_for_person)
{
	char death[DEATH_BYTES];
	int err;

	if (!is_whole(child) || (WIFEXITED(status) && WEXITSTATUS(status) > 1)) {
		ls_death_of(status, death, sizeof(death));
		return put_death(death, is_for_person);
	}
	err = put(child);
	return err ? err : status != 0;
}

int ls_child_run(const struct ls_job_line *line, int is_for_person)
{
	struct child child = { 0 };
	int status = 0;
	int err = start(line, is_for_person, &child);

	if (err)
		return put_error(err, is_for_person);
	err = await_answer(&child);
	close(child.answers);
	if (!err)
		err = await_end(&child, child.deadline_ns, &status);
	if (err == -ETIMEDOUT)
		err = give_up(&child, line->timeout_s, is_for_person);
	else if (err)
		kill(child.pid, SIGKILL);
	else
		err = report(&child, status, is_for_person);
	free(child.text);
	return err;
}
