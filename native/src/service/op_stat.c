/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation stat: what a path names, links followed, and how much room there is around
 * it. The path without links is the before of the job's first sample, where there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "system/file.h"

struct options {
	const char *file;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_OPTIONS_END,
};

static void report_file(const struct stat *st, struct ls_result *ret)
{
	ls_value_add(ret, "type", st->st_mode & S_IFMT);
	ls_file_report(st, ret);
	ls_value_add(ret, "device_major", major(st->st_dev));
	ls_value_add(ret, "device_minor", minor(st->st_dev));
	ls_value_add(ret, "rdev_major", major(st->st_rdev));
	ls_value_add(ret, "rdev_minor", minor(st->st_rdev));
}

static int try_to_open(const char *path)
{
	LS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : 0;
}

static int report_real_path(const char *path, const struct ls_job *job, struct ls_result *ret)
{
	LS_FREE char *real = realpath(path, NULL);

	if (!real)
		return -errno;
	if (job->samples_count)
		snprintf(ret->before, LS_SAMPLE_BYTES, "%s", real);
	return 0;
}

static int report_path(const char *path, const struct ls_job *job, struct ls_result *ret)
{
	struct stat st;
	struct statvfs room;

	if (stat(path, &st) || statvfs(path, &room))
		return -errno;
	report_file(&st, ret);
	ls_value_add(ret, "free_bytes", (int64_t)((uint64_t)room.f_bavail * room.f_frsize));
	/* Only a regular file is opened: a device may do something at that. */
	if (S_ISREG(st.st_mode))
		ls_value_add(ret, "readable", try_to_open(path));
	return report_real_path(path, job, ret);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = report_path(options.file, job, ret);
	return err && !ret->error.code ? ls_result_fail(ret, err, "stat", options.file, -1) : err;
}

const struct ls_operation ls_stat_operation = { "stat", specs, run };
