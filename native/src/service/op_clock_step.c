/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation clock-step: the least time that CLOCK_MONOTONIC was seen to move by
 * between two readings. clock_getres(2) answers 1 ns even where the counter
 * below ticks at 19.2 MHz; on one that ticks faster than it can be read, this
 * is the cost of a reading. Spans are no finer than that.
 */
#include <errno.h>

#include "core/operation.h"
#include "core/record.h"
#include "system/clock.h"

enum {
	STEPS = 2000,
	READINGS_MAX = 1 << 20,
};

static const struct ls_option_spec specs[] = {
	LS_OPTIONS_END,
};

static int64_t least_step(void)
{
	int64_t least_ns = 0, last_ns = ls_clock_now();

	for (int steps = 0, readings = 0; steps < STEPS && readings < READINGS_MAX; readings++) {
		int64_t now_ns = ls_clock_now(), step_ns = now_ns - last_ns;

		last_ns = now_ns;
		if (step_ns <= 0)
			continue;
		steps++;
		if (!least_ns || step_ns < least_ns)
			least_ns = step_ns;
	}
	return least_ns;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	int64_t least_ns;
	int err = ls_options_parse(specs, job, NULL, ret);

	if (err)
		return err;
	least_ns = least_step();
	if (!least_ns)
		return ls_result_fail(ret, -ETIME, "clock step", "CLOCK_MONOTONIC", -1);
	ls_value_add(ret, "clock_step_ns", least_ns);
	return 0;
}

const struct ls_operation ls_clock_step_operation = { "clock-step", specs, run };
