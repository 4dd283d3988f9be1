/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation zram-swap: has the kernel swap on a zram device of our own, or no longer. A device is
 * ours as operation zram-device has it; any other is -EPERM. No device, or one that is no swap
 * area, is off.
 */
#include <errno.h>

#include "block/swap.h"
#include "block/zram.h"
#include "core/operation.h"
#include "core/record.h"

enum action { ON, OFF };

struct options {
	uint64_t action;
	uint64_t number;
	uint64_t bytes;
	uint64_t priority;
};

static const struct ls_option_spec specs[] = {
	LS_CHOICE_OPTION("action", struct options, action, LS_CHOICES("on", "off"), LS_REQUIRED),
	LS_NUMBER_OPTION("number", struct options, number, LS_REQUIRED),
	LS_NUMBER_OPTION("bytes", struct options, bytes, LS_REQUIRED),
	LS_NUMBER_OPTION("priority", struct options, priority, "0"),
	LS_OPTIONS_END,
};

static int check(const struct options *options, struct ls_result *ret)
{
	int err = ls_option_check_range(ret, "number", options->number, 0, LS_ZRAM_NUMBER_MAX);

	return err ? err
		   : ls_option_check_range(ret, "priority", options->priority, 0,
					   LS_SWAP_PRIORITY_MAX);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct ls_zram_failure failure = { 0 };
	struct ls_swap_failure swap = { 0 };
	char path[LS_ZRAM_PATH_BYTES];
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = check(&options, ret);
	if (err)
		return err;
	err = ls_zram_find((uint32_t)options.number, options.bytes, path, &failure);
	if (err == -ENODEV && options.action == OFF)
		return 0;
	if (err)
		return ls_result_fail(ret, err, failure.step, failure.path, -1);
	err = options.action == ON ? ls_swap_on(path, (uint32_t)options.priority, &swap)
				   : ls_swap_off(path, &swap);
	return err ? ls_result_fail(ret, err, swap.step, swap.path, -1) : 0;
}

const struct ls_operation ls_zram_swap_operation = { "zram-swap", specs, run };
