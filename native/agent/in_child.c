/* SPDX-License-Identifier: Apache-2.0 */
#include "in_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "json.h"

/* Also where the parent had ended before this was set. */
static void die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/*
 * The Job is the first to be killed when memory is short; where that can't be set it is as any
 * other.
 */
static void prefer_as_oom_victim(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) < 0)
		errno = 0;
	close(fd);
}

/*
 * A process in uninterruptible sleep cannot be killed. It must hold no descriptor that its
 * parent inherited: somebody may wait for all of them to be closed.
 */
static void fail_pending_io(int answers, int is_for_person)
{
	dup2(answers, STDOUT_FILENO);
	close(answers);
	close(STDIN_FILENO);
	/* The lowest that is free, which is standard input. */
	if (open("/dev/null", O_RDWR) == STDIN_FILENO && !is_for_person)
		dup2(STDIN_FILENO, STDERR_FILENO);
}

/* All of it is present before the Job begins, so that the Job's page faults are its own. */
static struct ls_result *make_result(uint32_t samples_count)
{
	const size_t texts_bytes = (size_t)samples_count * LS_SAMPLE_BYTES;
	struct ls_result *result = mmap(NULL, sizeof(*result) + 2 * texts_bytes,
					PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (result == MAP_FAILED)
		return NULL;
	result->before = (char *)(result + 1);
	result->after = result->before + texts_bytes;
	return result;
}

static int refuse(const char *step, const char *path)
{
	struct ls_error error = { .code = -errno, .offset = -1 };

	snprintf(error.step, sizeof(error.step), "%s", step);
	snprintf(error.path, sizeof(error.path), "%s", path);
	ls_json_error(stdout, &error);
	return 1;
}

static void report_person(const struct ls_error *error)
{
	fprintf(stderr, "loadstone-agent: %s %s", error->step, error->path);
	if (error->offset >= 0)
		fprintf(stderr, " at %lld", (long long)error->offset);
	fprintf(stderr, ": %s (errno %d)\n", strerror(-error->code), -error->code);
}

static int carry_out(const struct ls_job_line *line, int is_for_person)
{
	const struct ls_job job = {
		.operation = line->operation,
		.options = line->options,
		.options_count = line->options_count,
		.samples = line->samples,
		.samples_count = line->samples_count,
	};
	struct ls_result *result;

	if (line->cpus && sched_setaffinity(0, sizeof(line->cpu_set), &line->cpu_set))
		return refuse("sched_setaffinity", line->cpus);
	result = make_result(line->samples_count);
	if (!result)
		return refuse("reserve result", "memory");
	ls_job_run(&job, result);
	ls_json_result(stdout, &job, result);
	if (result->error.code && is_for_person)
		report_person(&result->error);
	return result->error.code != 0;
}

void ls_in_child(const struct ls_job_line *line, int answers, pid_t parent, int is_for_person)
{
	int status;

	die_with_parent(parent);
	fail_pending_io(answers, is_for_person);
	prefer_as_oom_victim();
	status = carry_out(line, is_for_person);
	/* exit, not _exit: a leak checker looks then. */
	exit(fflush(stdout) ? 1 : status);
}
