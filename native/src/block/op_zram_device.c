/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation zram-device: makes a zram device of a number that was told before, or removes it. Only
 * one of the size that it was made with is removed, or of none: there is no other mark of ours.
 * inspect tells whether one can be made and which number it would have. The device's node is the
 * before of the job's first sample, where there is one.
 */
#include <stdio.h>
#include <unistd.h>

#include "block/zram.h"
#include "core/operation.h"
#include "core/record.h"

enum action { INSPECT, MAKE, REMOVE };

struct options {
	uint64_t action;
	uint64_t number;
	uint64_t bytes;
	const char *algorithm;
	uint64_t level;
};

static const struct ls_option_spec specs[] = {
	LS_CHOICE_OPTION("action", struct options, action,
			 LS_CHOICES("inspect", "make", "remove"), LS_REQUIRED),
	LS_NUMBER_OPTION("number", struct options, number, "0"),
	LS_NUMBER_OPTION("bytes", struct options, bytes, "0"),
	LS_TEXT_OPTION("algorithm", struct options, algorithm, ""),
	LS_NUMBER_OPTION("level", struct options, level, "0"),
	LS_OPTIONS_END,
};

static int inspect(struct ls_zram_failure *failure, struct ls_result *ret)
{
	uint32_t number = 0;
	int err = ls_zram_inspect(&number, failure);

	if (err)
		return err;
	ls_value_add(ret, "number", number);
	ls_value_add(ret, "page_bytes", sysconf(_SC_PAGESIZE));
	return 0;
}

static int make(const struct options *options, const struct ls_job *job,
		struct ls_zram_failure *failure, struct ls_result *ret)
{
	const struct ls_zram_request request = {
		.number = (uint32_t)options->number,
		.token = options->bytes,
		.algorithm = options->algorithm,
		.level = options->level,
	};
	char path[LS_ZRAM_PATH_BYTES];
	int err = ls_zram_make(&request, path, failure);

	if (err)
		return err;
	ls_value_add(ret, "number", (int64_t)options->number);
	if (job->samples_count)
		snprintf(ret->before, LS_SAMPLE_BYTES, "%s", path);
	return 0;
}

static int check(const struct options *options, struct ls_result *ret)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	int err = ls_option_check_range(ret, "number", options->number, 0, LS_ZRAM_NUMBER_MAX);

	if (err || options->action != MAKE)
		return err;
	/* The kernel would round it up, and what it has would not be what is looked for. */
	if (!options->bytes || options->bytes % page_bytes)
		return ls_option_refuse(ret, "bytes", options->bytes);
	/* A level is one of an algorithm. */
	if (options->level && !*options->algorithm)
		return ls_option_refuse(ret, "level", options->level);
	return 0;
}

static int act(const struct options *options, const struct ls_job *job,
	       struct ls_zram_failure *failure, struct ls_result *ret)
{
	switch (options->action) {
	case INSPECT:
		return inspect(failure, ret);
	case MAKE:
		return make(options, job, failure, ret);
	default:
		return ls_zram_remove((uint32_t)options->number, options->bytes, failure);
	}
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct ls_zram_failure failure = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = check(&options, ret);
	if (err)
		return err;
	err = act(&options, job, &failure, ret);
	return err ? ls_result_fail(ret, err, failure.step, failure.path, -1) : 0;
}

const struct ls_operation ls_zram_device_operation = { "zram-device", specs, run };
