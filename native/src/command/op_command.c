/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation command: a shell command of the user's that loads a file. The file is brought into its
 * cache state before and must be the same after; what the command and all that it started used is
 * told, and nothing of it is left. The timed region ends with the command, or by ready=said when
 * it says that it is ready: by a line "loadstone: ready" on its standard output, or by any byte on
 * the descriptor that LOADSTONE_READY_FD names.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/supervisor.h"
#include "core/operation.h"
#include "core/record.h"
#include "system/cache.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/region.h"

enum cache { COLD, WARM, AS_IS };
enum ready { AT_EXIT, SAID };

enum {
	LIMIT_MOST_S = 7 * 24 * 3600,
	NOT_EXECUTABLE_STATUS = 126,
	NOT_FOUND_STATUS = 127,
};

static const int64_t ns_per_s = INT64_C(1000000000);

struct options {
	const char *command;
	const char *file;
	uint64_t cache;
	uint64_t ready;
	uint64_t limit;			/* s */
	uint64_t expect_bytes;		/* 0: whatever it has now */
	uint64_t expect_inode;
	uint64_t expect_mtime_ns;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("command", struct options, command, LS_REQUIRED),
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_CHOICE_OPTION("cache", struct options, cache, LS_CHOICES("cold", "warm", "as-is"),
			 "cold"),
	LS_CHOICE_OPTION("ready", struct options, ready, LS_CHOICES("exit", "said"), "exit"),
	LS_NUMBER_OPTION("limit", struct options, limit, "600"),
	LS_NUMBER_OPTION("expect-bytes", struct options, expect_bytes, "0"),
	LS_NUMBER_OPTION("expect-inode", struct options, expect_inode, "0"),
	LS_NUMBER_OPTION("expect-mtime-ns", struct options, expect_mtime_ns, "0"),
	LS_OPTIONS_END,
};

struct trial {
	struct options options;
	struct ls_result *result;
	int fd;			/* of the file as it was before */
	struct stat file;
};

static int fail(const struct trial *trial, int code, const char *step)
{
	return ls_result_fail(trial->result, code, step, trial->options.file, -1);
}

static int is_same(const struct stat *one, const struct stat *other)
{
	return one->st_size == other->st_size && one->st_ino == other->st_ino &&
	       ls_file_mtime_ns(one) == ls_file_mtime_ns(other);
}

static int is_expected(const struct trial *trial)
{
	const struct options *options = &trial->options;

	return !options->expect_bytes ||
	       ((uint64_t)trial->file.st_size == options->expect_bytes &&
		trial->file.st_ino == options->expect_inode &&
		ls_file_mtime_ns(&trial->file) == options->expect_mtime_ns);
}

static int open_file(struct trial *trial)
{
	int err = ls_file_stat(trial->options.file, &trial->file);

	if (err)
		return fail(trial, err, "open");
	trial->fd = open(trial->options.file, O_RDONLY | O_CLOEXEC);
	if (trial->fd < 0)
		return fail(trial, -errno, "open");
	return is_expected(trial) ? 0 : fail(trial, -ESTALE, "file identity");
}

/* Programs stay cached: of a command that is to be timed they are no part of the file. */
static int set_cache(const struct trial *trial)
{
	const uint64_t file_bytes = (uint64_t)trial->file.st_size;
	int64_t resident = -1;
	int has_dropped = 0, err = 0;

	if (trial->options.cache == COLD)
		err = ls_cache_evict(trial->fd, file_bytes, &has_dropped);
	else if (trial->options.cache == WARM)
		err = ls_cache_warm(trial->fd, file_bytes);
	if (err)
		return fail(trial, err, "set cache state");
	err = ls_cache_resident(trial->fd, file_bytes, &resident);
	ls_value_add(trial->result, "drop_caches", has_dropped);
	ls_value_add(trial->result, "cached_before_bytes", err ? err : resident);
	return 0;
}

static int fail_by_end(const struct trial *trial, int code, const char *step,
		       const struct ls_command_report *report, int64_t number)
{
	const char *words = *report->last_words ? report->last_words : "it printed nothing";

	return ls_result_fail(trial->result, code, step, words, number);
}

static int check_exit(const struct trial *trial, const struct ls_command_report *report)
{
	const int status = WEXITSTATUS(report->status);
	int code = status == NOT_FOUND_STATUS ? -ENOENT :
		   status == NOT_EXECUTABLE_STATUS ? -EACCES : -ECHILD;

	return status ? fail_by_end(trial, code, "exit of the command", report, status) : 0;
}

static int check_signal(const struct trial *trial, const struct ls_command_report *report)
{
	const int number = WTERMSIG(report->status);

	return fail_by_end(trial, number == SIGKILL ? -ENOMEM : -EINTR, "signal to the command",
			   report, number);
}

/* What the command did, once nothing of it is left. */
static int check_end(const struct trial *trial, const struct ls_command_report *report)
{
	struct stat now;
	int err = 0;

	if (!report->is_whole)
		return ls_result_fail(trial->result, -EOWNERDEAD, "supervise command", "", -1);
	if (stat(trial->options.file, &now) || !is_same(&now, &trial->file))
		return fail(trial, -ESTALE, "file after the command");
	if (report->code)
		return ls_result_fail(trial->result, report->code, report->step, "sh", -1);
	if (report->is_late)
		return fail_by_end(trial, -ETIMEDOUT, "limit of the command", report,
				   (int64_t)trial->options.limit);
	if (!report->is_stopped)
		err = WIFSIGNALED(report->status) ? check_signal(trial, report)
						  : check_exit(trial, report);
	if (!err && trial->options.ready == SAID && !report->ready_ns)
		return fail_by_end(trial, -ENOMSG, "word of the command", report, -1);
	return err;
}

static int64_t timeval_ns(const struct timeval *time)
{
	return (int64_t)time->tv_sec * ns_per_s + (int64_t)time->tv_usec * 1000;
}

static void report_usage(struct ls_result *result, const struct ls_command_report *report)
{
	const struct rusage *usage = &report->usage;
	const int64_t user_ns = timeval_ns(&usage->ru_utime);
	const int64_t system_ns = timeval_ns(&usage->ru_stime);

	ls_value_add(result, "cpu_ns", user_ns + system_ns);
	ls_value_add(result, "user_ns", user_ns);
	ls_value_add(result, "system_ns", system_ns);
	ls_value_add(result, "minor_faults", usage->ru_minflt);
	ls_value_add(result, "major_faults", usage->ru_majflt);
	ls_value_add(result, "voluntary_switches", usage->ru_nvcsw);
	ls_value_add(result, "involuntary_switches", usage->ru_nivcsw);
	/* Of a peak that is not above what the shell was given by fork nothing is known. */
	ls_value_add(result, "maxrss_bytes", (int64_t)usage->ru_maxrss * 1024);
	ls_value_add(result, "inherited_maxrss_bytes", report->inherited_peak_kib * 1024);
}

static void report_times(const struct trial *trial, const struct ls_command_report *report)
{
	struct ls_result *result = trial->result;
	const int64_t ready_ns = trial->options.ready == SAID ? report->ready_ns : report->end_ns;
	int64_t since_ns = report->start_ns;

	ls_value_add(result, ls_value_ready_ns, ready_ns - report->start_ns);
	ls_value_add(result, "total_ns", report->end_ns - report->start_ns);
	if (report->ready_ns)
		ls_value_add(result, "said_ready_ns", report->ready_ns - report->start_ns);
	if (report->loading_ns && report->loading_ns <= ready_ns) {
		ls_value_add(result, "start_up_ns", report->loading_ns - report->start_ns);
		ls_span_add(result, "start-up", 0, report->start_ns, report->loading_ns);
		since_ns = report->loading_ns;
	}
	ls_span_add(result, "load", 0, since_ns, ready_ns);
	if (ready_ns < report->end_ns)
		ls_span_add(result, ls_span_release, 0, ready_ns, report->end_ns);
}

static void report_all(const struct trial *trial, const struct ls_command_report *report)
{
	struct ls_result *result = trial->result;
	int64_t resident = -1;
	int err = ls_cache_resident(trial->fd, (uint64_t)trial->file.st_size, &resident);

	report_times(trial, report);
	report_usage(result, report);
	ls_value_add(result, "file_bytes", (int64_t)trial->file.st_size);
	ls_value_add(result, "cached_after_bytes", err ? err : resident);
	ls_value_add(result, "left_processes", report->left);
	ls_value_add(result, "stopped", report->is_stopped);
	ls_value_add(result, "printed_bytes", report->printed_bytes);
}

static int time_command(const struct trial *trial, const struct ls_job *job,
			struct ls_supervisor *supervisor, int64_t begin_ns)
{
	const struct ls_command_report *report = supervisor->report;
	struct ls_region region;
	int err;

	ls_region_enter(&region, job, trial->result);
	ls_supervisor_run(supervisor);
	ls_region_leave(&region, report->start_ns);
	ls_supervisor_join(supervisor);
	err = check_end(trial, report);
	if (err)
		return err;
	ls_value_add(trial->result, ls_value_set_cache_ns, report->start_ns - begin_ns);
	report_all(trial, report);
	return 0;
}

static int measure(struct trial *trial, const struct ls_job *job)
{
	const struct ls_command command = {
		.text = trial->options.command,
		.file = trial->options.file,
		.limit_ns = (int64_t)trial->options.limit * ns_per_s,
		.is_ended_by_word = trial->options.ready == SAID,
	};
	struct ls_supervisor supervisor;
	int64_t begin_ns = ls_clock_now();
	int err = open_file(trial);

	if (!err)
		err = set_cache(trial);
	if (err)
		return err;
	err = ls_supervisor_create(&supervisor, &command);
	if (err)
		return ls_result_fail(trial->result, err, "start supervisor", "", -1);
	err = time_command(trial, job, &supervisor, begin_ns);
	ls_supervisor_destroy(&supervisor);
	return err;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct trial trial = { .result = ret, .fd = -1 };
	int err = ls_options_parse(specs, job, &trial.options, ret);

	if (!err)
		err = ls_option_check_range(ret, "limit", trial.options.limit, 1, LIMIT_MOST_S);
	if (!err)
		err = measure(&trial, job);
	if (trial.fd >= 0)
		close(trial.fd);
	return err;
}

const struct ls_operation ls_command_operation = { "command", specs, run };
