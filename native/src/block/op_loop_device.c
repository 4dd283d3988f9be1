/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation loop-device: makes a block device of a file whose name begins with
 * loadstone-, or frees all that lie over it. The device's node is the before of the
 * job's first sample, where there is one.
 */
#include <stdio.h>

#include "block/loop.h"
#include "core/operation.h"
#include "core/record.h"

enum action { ATTACH, DETACH };

struct options {
	uint64_t action;
	const char *image;
	uint64_t wants_direct;
};

static const struct ls_option_spec specs[] = {
	LS_CHOICE_OPTION("action", struct options, action,
			 LS_CHOICES("attach", "detach"), LS_REQUIRED),
	LS_TEXT_OPTION("image", struct options, image, LS_REQUIRED),
	LS_CHOICE_OPTION("direct", struct options, wants_direct, LS_CHOICES("off", "on"), "on"),
	LS_OPTIONS_END,
};

static int attach(const struct options *options, const struct ls_job *job,
		  struct ls_loop_failure *failure, struct ls_result *ret)
{
	struct ls_loop_device device = { 0 };
	int err = ls_loop_attach(options->image, options->wants_direct != 0, &device, failure);

	if (err)
		return err;
	ls_value_add(ret, "minor", device.minor);
	ls_value_add(ret, "is_direct", device.is_direct);
	if (job->samples_count)
		snprintf(ret->before, LS_SAMPLE_BYTES, "%s", device.path);
	return 0;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct ls_loop_failure failure = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = options.action == ATTACH ? attach(&options, job, &failure, ret)
				       : ls_loop_detach(options.image, &failure);
	return err ? ls_result_fail(ret, err, failure.step, failure.path, -1) : 0;
}

const struct ls_operation ls_loop_device_operation = { "loop-device", specs, run };
