/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation steady-write: writes over places of a file at random, again and again, and times the
 * second half of that; the first brings the file system to its steady state, where it cleans
 * segments as fast as they are written. With layout zones they are written in order, as zones
 * have to be. Windows of equally many writes, of both halves, tell how it went.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/arithmetic.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "steady/steady_write.h"
#include "system/clock.h"
#include "system/region.h"

enum {
	WRITE_MOST = 1 << 24,
	PAUSE_MOST_MS = 1000000,
	MS_NS = 1000000,
	HALF = LS_STEADY_WINDOWS / 2,
};

/* So much of the writes goes to so many of the places, in percent. */
static const struct {
	uint32_t writes;
	uint32_t places;
} skews[] = { { 100, 100 }, { 80, 20 }, { 90, 10 }, { 95, 5 } };

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct ls_steady_options, file, LS_REQUIRED),
	LS_CHOICE_OPTION("layout", struct ls_steady_options, layout,
			 LS_CHOICES("file", "zones"), "file"),
	LS_NUMBER_OPTION("bytes", struct ls_steady_options, bytes, LS_REQUIRED),
	LS_NUMBER_OPTION("write", struct ls_steady_options, write, LS_REQUIRED),
	LS_NUMBER_OPTION("total", struct ls_steady_options, total, LS_REQUIRED),
	LS_CHOICE_OPTION("sync", struct ls_steady_options, sync,
			 LS_CHOICES("none", "fdatasync"), LS_REQUIRED),
	LS_CHOICE_OPTION("skew", struct ls_steady_options, skew,
			 LS_CHOICES("uniform", "80/20", "90/10", "95/5"), "uniform"),
	LS_NUMBER_OPTION("pause", struct ls_steady_options, pause, "0"),
	LS_NUMBER_OPTION("burst", struct ls_steady_options, burst, "500"),
	LS_TEXT_OPTION("device-stat", struct ls_steady_options, device_stat, LS_REQUIRED),
	LS_TEXT_OPTION("free-segments", struct ls_steady_options, free_segments, ""),
	LS_NUMBER_OPTION("seed", struct ls_steady_options, seed, "1"),
	LS_OPTIONS_END,
};

struct writing {
	struct ls_steady_options options;
	struct ls_result *result;
	struct ls_places places;
	struct ls_window window;
	struct ls_random random;
	struct ls_histogram *latency;	/* of the timed half */
	uint64_t writes;
	int64_t busy_ns;		/* in writes of a half */
	int64_t paused_ns;
};

static int check_options(const struct writing *writing)
{
	const struct ls_steady_options *options = &writing->options;
	struct ls_result *result = writing->result;
	int err = ls_option_check_range(result, "write", options->write, LS_STEADY_PAGE_BYTES,
					WRITE_MOST);

	if (!err && options->write % LS_STEADY_PAGE_BYTES)
		err = ls_option_refuse(result, "write", options->write);
	if (!err)
		err = ls_option_check_range(result, "bytes", options->bytes, options->write,
					    INT64_MAX);
	if (!err)
		err = ls_option_check_range(result, "total", options->total,
					    LS_STEADY_WINDOWS * options->write, INT64_MAX);
	if (!err)
		err = ls_option_check_range(result, "pause", options->pause, 0, PAUSE_MOST_MS);
	return err ? err : ls_option_check_range(result, "burst", options->burst, 1, INT64_MAX);
}

static uint64_t next_place(struct writing *writing, uint64_t number)
{
	const uint64_t count = writing->places.count, skew = writing->options.skew;
	const uint64_t hot = ls_max(count * skews[skew].places / 100, 1);

	if (writing->options.layout == LS_STEADY_ZONES)
		return (number - 1) % count;
	if (hot == count || ls_random_next(&writing->random) % 100 < skews[skew].writes)
		return ls_random_next(&writing->random) % hot;
	return hot + ls_random_next(&writing->random) % (count - hot);
}

static int write_once(struct writing *writing, uint64_t number)
{
	const uint64_t place = next_place(writing, number);
	int64_t start_ns, elapsed_ns;
	int err;

	ls_places_ready(&writing->places, place, number);
	start_ns = ls_clock_now();
	err = ls_places_write(&writing->places, place);
	elapsed_ns = ls_clock_now() - start_ns;
	if (err)
		return err;
	ls_histogram_record(&writing->window.latency, (uint64_t)elapsed_ns);
	if (writing->latency)
		ls_histogram_record(writing->latency, (uint64_t)elapsed_ns);
	writing->busy_ns += elapsed_ns;
	return 0;
}

static void pause_after_burst(struct writing *writing, uint64_t number)
{
	const int64_t start_ns = ls_clock_now();

	if (!writing->options.pause || number % writing->options.burst)
		return;
	ls_clock_pause((int64_t)writing->options.pause * MS_NS);
	writing->paused_ns += ls_clock_now() - start_ns;
}

/* How many writes there are before a window, from 0 on. */
static uint64_t writes_before(const struct writing *writing, uint32_t window)
{
	return writing->writes * window / LS_STEADY_WINDOWS;
}

static int write_windows(struct writing *writing, uint32_t first, uint32_t end)
{
	uint64_t number = writes_before(writing, first);
	int err = ls_window_begin(&writing->window);

	writing->busy_ns = 0;
	writing->paused_ns = 0;
	for (uint32_t window = first; !err && window < end; window++) {
		while (!err && number < writes_before(writing, window + 1)) {
			err = write_once(writing, ++number);
			pause_after_burst(writing, number);
		}
		/* Each half pays for what it left to be written. */
		if (!err && window + 1 == end)
			err = ls_places_sync(&writing->places);
		if (!err)
			err = ls_window_end(&writing->window, window + 1);
	}
	return err;
}

static void report(struct writing *writing, int64_t elapsed_ns)
{
	const uint64_t before = writes_before(writing, HALF), bytes = writing->options.write;
	struct ls_result *result = writing->result;

	ls_value_add(result, ls_value_elapsed_ns, elapsed_ns);
	ls_value_add(result, "busy_ns", writing->busy_ns);
	ls_value_add(result, "paused_ns", writing->paused_ns);
	ls_value_add(result, "writes", (int64_t)(writing->writes - before));
	ls_value_add(result, "bytes", (int64_t)((writing->writes - before) * bytes));
	ls_value_add(result, "run_up_bytes", (int64_t)(before * bytes));
}

static int measure(struct writing *writing, const struct ls_job *job)
{
	struct ls_region region;
	int64_t start_ns, end_ns;
	int err = write_windows(writing, 0, HALF);

	if (err)
		return err;
	writing->latency = ls_histogram_take(writing->result, "write");
	ls_region_enter(&region, job, writing->result);
	start_ns = ls_clock_now();
	err = write_windows(writing, HALF, LS_STEADY_WINDOWS);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	report(writing, end_ns - start_ns);
	ls_span_add(writing->result, "write", 0, start_ns, end_ns);
	ls_region_report(&region);
	return 0;
}

static int write_all(struct writing *writing, const struct ls_job *job)
{
	const int64_t start_ns = ls_clock_now();
	int err = ls_places_init(&writing->places);

	if (err)
		return err;
	ls_value_add(writing->result, ls_value_set_up_ns, ls_clock_now() - start_ns);
	err = measure(writing, job);
	return err ? err : ls_places_verify(&writing->places);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct writing *writing = calloc(1, sizeof(*writing));
	int err;

	if (!writing)
		return ls_result_fail(ret, -ENOMEM, "reserve places", "", -1);
	writing->result = ret;
	err = ls_options_parse(specs, job, &writing->options, ret);
	if (!err)
		err = check_options(writing);
	if (!err) {
		writing->places.options = writing->window.options = &writing->options;
		writing->places.result = writing->window.result = ret;
		writing->writes = writing->options.total / writing->options.write;
		ls_random_init(&writing->random, writing->options.seed);
		err = write_all(writing, job);
		ls_places_deinit(&writing->places);
	}
	free(writing);
	return err;
}

const struct ls_operation ls_steady_write_operation = { "steady-write", specs, run };
