/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation calibrate: what a unit of basic work costs. A batch of many units is repeated,
 * after one that warms up; disturbance only adds time, so the best batch is nearest to the
 * work's own cost.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "calibrate/calibrate.h"
#include "core/operation.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/region.h"

enum {
	BATCHES_MAX = 1000,
	COUNT_MAX = 1 << 30,
	MIBS_MAX = 1 << 14,
};

static const struct ls_option_spec specs[] = {
	LS_CHOICE_OPTION("effect", struct ls_calibrate_options, effect,
			 ls_effect_names, LS_REQUIRED),
	LS_NUMBER_OPTION("count", struct ls_calibrate_options, count, "0"),
	LS_NUMBER_OPTION("batches", struct ls_calibrate_options, batches, "21"),
	LS_NUMBER_OPTION("size", struct ls_calibrate_options, size, "65536"),
	LS_TEXT_OPTION("file", struct ls_calibrate_options, file, ""),
	LS_OPTIONS_END,
};

struct tally {
	int64_t elapsed_ns;
	int64_t best_ns;
};

static int run_batch(struct ls_calibration *calibration, const struct ls_effect *effect,
		     int64_t *start_ns, int64_t *end_ns)
{
	int err = effect->renew ? effect->renew(calibration) : 0;

	if (err)
		return err;
	*start_ns = ls_clock_now();
	err = effect->work(calibration);
	*end_ns = ls_clock_now();
	if (!err && effect->check)
		err = effect->check(calibration);
	return err;
}

static int run_batches(struct ls_calibration *calibration, const struct ls_effect *effect,
		       struct tally *tally)
{
	for (uint64_t i = 0; i < calibration->options.batches; i++) {
		int64_t start_ns, end_ns;
		int err = run_batch(calibration, effect, &start_ns, &end_ns);

		if (err)
			return err;
		ls_span_add(calibration->result, "batch", 0, start_ns, end_ns);
		tally->elapsed_ns += end_ns - start_ns;
		if (!i || end_ns - start_ns < tally->best_ns)
			tally->best_ns = end_ns - start_ns;
	}
	return 0;
}

static int measure(struct ls_calibration *calibration, const struct ls_effect *effect,
		   const struct ls_job *job)
{
	struct ls_result *result = calibration->result;
	struct ls_region region;
	struct tally tally = { 0 };
	int64_t start_ns, end_ns;
	int err = run_batch(calibration, effect, &start_ns, &end_ns);

	if (err)
		return err;
	ls_region_enter(&region, job, result);
	start_ns = ls_clock_now();
	err = run_batches(calibration, effect, &tally);
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	ls_value_add(result, ls_value_elapsed_ns, tally.elapsed_ns);
	ls_value_add(result, "best_ns", tally.best_ns);
	ls_value_add(result, "batch_count", (int64_t)calibration->count);
	ls_value_add(result, "count", (int64_t)(calibration->count * calibration->options.batches));
	ls_region_report(&region);
	return 0;
}

static void release(struct ls_calibration *calibration)
{
	ls_calibration_end_partner(calibration);
	ls_calibration_unmap(&calibration->source, calibration->source_bytes);
	ls_calibration_unmap(&calibration->target, calibration->target_bytes);
	if (calibration->file >= 0)
		close(calibration->file);
	if (calibration->has_made_file)
		unlink(calibration->options.file);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct ls_calibration calibration = {
		.result = ret, .file = -1, .there = { -1, -1 }, .back = { -1, -1 },
	};
	const struct ls_effect *effect;
	int err = ls_options_parse(specs, job, &calibration.options, ret);

	if (err)
		return err;
	effect = ls_effects[calibration.options.effect];
	calibration.count = calibration.options.count ? calibration.options.count : effect->count;
	err = ls_option_check_range(ret, "batches", calibration.options.batches, 1, BATCHES_MAX);
	if (!err)
		err = ls_option_check_range(ret, "count", calibration.count, 1,
					    effect->unit_bytes ? MIBS_MAX : COUNT_MAX);
	if (!err && effect->prepare)
		err = effect->prepare(&calibration);
	if (!err)
		err = measure(&calibration, effect, job);
	release(&calibration);
	return err;
}

const struct ls_operation ls_calibrate_operation = { "calibrate", specs, run };
