/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/record.h"
#include "steady/steady_write.h"
#include "system/text.h"

enum {
	SECTORS_WRITTEN = 7,	/* which of the numbers of a block device's stat */
	SECTOR_BYTES = 512,
};

static int fail(const struct ls_window *window, int code, const char *path)
{
	return ls_result_fail(window->result, code, "read counter", path, -1);
}

/* The number at a position, from 1 on, of those that a file of the kernel's has. */
static int read_number(struct ls_window *window, const char *path, uint32_t position, uint64_t *ret)
{
	char *at = window->text, *end = at;
	size_t length;
	int err = ls_text_read(path, 0, window->text, &length);

	if (err)
		return fail(window, err, path);
	for (uint32_t i = 0; i < position; i++) {
		*ret = strtoull(at, &end, 10);
		if (end == at)
			return fail(window, -EPROTO, path);
		at = end;
	}
	return 0;
}

int ls_window_begin(struct ls_window *window)
{
	ls_histogram_init(&window->latency, "window");
	return read_number(window, window->options->device_stat, SECTORS_WRITTEN,
			   &window->sectors);
}

/* The lower bound of the bucket that the slowest of a share, in percent, lies in. */
static uint64_t percentile(const struct ls_histogram *histogram, uint64_t percent)
{
	const uint64_t rank = (histogram->count * percent + 99) / 100;
	uint64_t reached = 0;

	for (uint32_t bucket = 0; bucket < LS_HISTOGRAM_BUCKETS; bucket++) {
		reached += histogram->buckets[bucket];
		if (reached >= rank)
			return ls_histogram_bucket_start(bucket);
	}
	return histogram->max_ns;
}

static void add(const struct ls_window *window, uint32_t number, const char *what, uint64_t value)
{
	char name[LS_NAME_BYTES];

	snprintf(name, sizeof(name), "window_%02u_%s", number, what);
	ls_value_add(window->result, name, (int64_t)value);
}

static int add_free_segments(struct ls_window *window, uint32_t number)
{
	uint64_t segments = 0;
	int err = read_number(window, window->options->free_segments, 1, &segments);

	if (!err)
		add(window, number, "free_segments", segments);
	return err;
}

int ls_window_end(struct ls_window *window, uint32_t number)
{
	const struct ls_histogram *latency = &window->latency;
	const uint64_t before = window->sectors;
	uint64_t sectors = 0;
	int err = read_number(window, window->options->device_stat, SECTORS_WRITTEN, &sectors);

	if (!err && *window->options->free_segments)
		err = add_free_segments(window, number);
	if (err)
		return err;
	add(window, number, "bytes", latency->count * window->options->write);
	add(window, number, "device_bytes", (sectors - before) * SECTOR_BYTES);
	add(window, number, "p50_ns", percentile(latency, 50));
	add(window, number, "p99_ns", percentile(latency, 99));
	add(window, number, "max_ns", latency->max_ns);
	/* None of what the device writes lies between two windows. */
	window->sectors = sectors;
	ls_histogram_init(&window->latency, "window");
	return 0;
}
