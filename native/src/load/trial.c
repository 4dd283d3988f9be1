/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is around the load that is timed: memory held meanwhile, and with again the same load once
 * before, after which nothing is dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/guard.h"
#include "core/operation.h"
#include "load/load.h"
#include "system/clock.h"
#include "system/control_group.h"
#include "system/pressure.h"

static const uint64_t pressure_most_bytes = UINT64_C(1) << 46;

static int start_pressure(const struct ls_load_options *options, struct ls_pressure *pressure,
			  struct ls_result *result)
{
	int err = ls_option_check_range(result, "pressure", options->pressure, 0,
					pressure_most_bytes);

	if (err || !options->pressure)
		return err;
	if (*options->pressure_group)
		err = ls_control_group_enter(options->pressure_group);
	if (err)
		return ls_result_fail(result, err, "enter control group", options->pressure_group,
				      -1);
	return ls_pressure_start(pressure, options->pressure, options->pressure_available, result);
}

/* What is kept of the first load. */
static void keep(const struct ls_result *first, struct ls_result *ret)
{
	static const char *const names[][2] = {
		{ "ready_ns", "first_ready_ns" },
		{ "cpu_ns", "first_cpu_ns" },
		{ "cached_before_bytes", "first_cached_before_bytes" },
		{ "cached_after_bytes", "first_cached_after_bytes" },
		{ "drop_caches", "first_drop_caches" },
	};

	for (uint32_t i = 0; i < first->values_count; i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
			if (!strcmp(first->values[i].name, names[j][0]))
				ls_value_add(ret, names[j][1], first->values[i].value);
}

/* Without samples: those of the Job are the second's. Its data is not read, to leave all as is. */
static int load_before(const struct ls_job *job, const struct ls_load_options *options,
		       struct ls_pressure *pressure, struct ls_result *ret)
{
	struct ls_job bare = *job;
	struct ls_load_options first = *options;
	LS_FREE struct ls_result *result = calloc(1, sizeof(*result));
	const struct ls_error *error;
	int err;

	if (!result)
		return ls_result_fail(ret, -ENOMEM, "reserve result", "memory", -1);
	bare.samples_count = 0;
	first.verify = LS_VERIFY_OFF;
	err = ls_load_once(&bare, &first, pressure, result);
	error = &result->error;
	if (error->code)
		return ls_result_fail(ret, error->code, error->step, error->path, error->offset);
	if (!err)
		keep(result, ret);
	return err;
}

int ls_load_trial(const struct ls_job *job, const struct ls_load_options *options,
		  struct ls_result *ret)
{
	const int64_t begin_ns = ls_clock_now();
	struct ls_pressure pressure = { 0 };
	struct ls_load_options timed = *options;
	int err = start_pressure(options, &pressure, ret);

	if (!err && options->again) {
		err = load_before(job, options, &pressure, ret);
		timed.cache = LS_CACHE_AS_IS;
	}
	if (options->pressure || options->again)
		ls_value_add(ret, ls_value_set_up_ns, ls_clock_now() - begin_ns);
	if (!err)
		err = ls_load_once(job, &timed, &pressure, ret);
	ls_pressure_end(&pressure);
	return err;
}
