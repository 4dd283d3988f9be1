/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation device-read: threads read a block device and, right before and in the same way,
 * its baseline: the device below it, with the same bytes. Nothing of either is in the page
 * cache when it begins. With warm-stride one block in so many bytes is read before, so that
 * what the device caches itself (a hash tree) is in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "system/cache.h"
#include "system/clock.h"
#include "system/thread_group.h"
#include "system/device.h"
#include "system/file.h"
#include "system/region.h"

enum {
	ALIGN_BYTES = 1 << 16,
	BLOCK_MOST = 1 << 26,
	SMALL_BYTES = 1 << 12,
	VERIFIED_BLOCKS = 64,
};

enum pattern { RANDOM, SEQUENTIAL };

struct options {
	const char *device;
	const char *baseline;
	uint64_t pattern;
	uint64_t block;
	uint64_t total;		/* bytes, of all threads */
	uint64_t threads;
	uint64_t io;
	uint64_t warm_stride;
	uint64_t seed;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("device", struct options, device, LS_REQUIRED),
	LS_TEXT_OPTION("baseline", struct options, baseline, LS_REQUIRED),
	LS_CHOICE_OPTION("pattern", struct options, pattern,
			 LS_CHOICES("random", "sequential"), "random"),
	LS_NUMBER_OPTION("block", struct options, block, "4096"),
	LS_NUMBER_OPTION("total", struct options, total, LS_REQUIRED),
	LS_NUMBER_OPTION("threads", struct options, threads, "1"),
	LS_CHOICE_OPTION("io", struct options, io, LS_CHOICES("buffered", "direct"), "direct"),
	LS_NUMBER_OPTION("warm-stride", struct options, warm_stride, "0"),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_OPTIONS_END,
};

/* One of the two devices. */
struct side {
	const char *path;
	const char *step;	/* what a failed read is called */
	int fd;			/* as the Case reads it */
	int direct;		/* around the page cache */
};

struct reader {
	void *block;
	struct ls_histogram latency;
};

struct reading {
	struct options options;
	struct ls_result *result;
	uint64_t device_bytes;
	uint64_t reads;		/* of each thread */
	struct side device;
	struct side baseline;
	const struct side *side;	/* that is being read */
	struct reader *readers;
};

static int fail(const struct reading *reading, const struct side *side, int code, const char *step,
		int64_t offset)
{
	return ls_result_fail(reading->result, code, step, side->path, offset);
}

static int check_options(struct reading *reading)
{
	const struct options *options = &reading->options;

	if (!options->threads || options->threads > LS_THREADS_MAX)
		return ls_option_refuse(reading->result, "threads", options->threads);
	if (options->block < SMALL_BYTES || options->block > BLOCK_MOST)
		return ls_option_refuse(reading->result, "block", options->block);
	if (options->block % SMALL_BYTES)
		return ls_result_fail(reading->result, -EINVAL, "block of the device",
				      options->device, SMALL_BYTES);
	reading->reads = options->total / options->block / options->threads;
	if (!reading->reads || options->total > INT64_MAX)
		return ls_option_refuse(reading->result, "total", options->total);
	return 0;
}

static int open_side(struct reading *reading, struct side *side)
{
	int flags = O_RDONLY | O_CLOEXEC;
	struct ls_device_info info = { 0 };
	int err = ls_device_query(side->path, &info);

	if (err)
		return fail(reading, side, err, "query device", -1);
	if (!reading->device_bytes || info.bytes < reading->device_bytes)
		reading->device_bytes = info.bytes;
	side->fd = open(side->path, flags | (reading->options.io ? O_DIRECT : 0));
	side->direct = side->fd < 0 ? -1 : open(side->path, flags | O_DIRECT);
	return side->direct < 0 ? fail(reading, side, -errno, "open device", -1) : 0;
}

static int open_sides(struct reading *reading)
{
	static const char *const steps[] = { "read", "O_DIRECT read" };
	int err;

	reading->device = (struct side){ reading->options.device, steps[reading->options.io],
					 -1, -1 };
	reading->baseline = (struct side){ reading->options.baseline, "baseline read", -1, -1 };
	err = open_side(reading, &reading->device);
	if (!err)
		err = open_side(reading, &reading->baseline);
	if (!err && reading->device_bytes < reading->options.block)
		err = fail(reading, &reading->device, -ENOSPC, "query device", -1);
	return err;
}

static int make_readers(struct reading *reading)
{
	const struct options *options = &reading->options;
	/* Neither is large: see check_options. */
	const uint32_t threads = (uint32_t)options->threads;
	const uint32_t block_bytes = (uint32_t)options->block;

	reading->readers = calloc(threads, sizeof(*reading->readers));
	if (!reading->readers)
		return fail(reading, &reading->device, -ENOMEM, "reserve threads", -1);
	for (uint32_t i = 0; i < threads; i++) {
		void **block = &reading->readers[i].block;

		if (posix_memalign(block, ALIGN_BYTES, block_bytes))
			return fail(reading, &reading->device, -ENOMEM, "reserve block", -1);
		/* No fault in the timed region. */
		memset(*block, 0, block_bytes);
	}
	return 0;
}

/* The offset of a thread's read number position; in sequence each thread has its own share. */
static uint64_t place_of(const struct reading *reading, uint32_t thread, uint64_t position,
			 struct ls_random *random)
{
	uint64_t blocks = reading->device_bytes / reading->options.block;
	uint64_t share = blocks / reading->options.threads;

	if (reading->options.pattern == RANDOM)
		return ls_random_next(random) % blocks * reading->options.block;
	return (thread * share + position) % blocks * reading->options.block;
}

/* Which of a failed read's blocks it was that failed; its first where none fails again. */
static uint64_t locate(const struct reading *reading, const struct side *side, void *block,
		       uint64_t offset)
{
	for (uint64_t at = 0; at < reading->options.block; at += SMALL_BYTES)
		if (ls_file_read(side->direct, block, SMALL_BYTES, offset + at))
			return offset + at;
	return offset;
}

/* One thread's part of the timed region. */
static int reader_thread(struct ls_thread_group *group, uint32_t thread)
{
	struct reading *reading = group->shared;
	struct reader *reader = &reading->readers[thread];
	const struct side *side = reading->side;
	int64_t since_ns = ls_clock_now();
	struct ls_random random;

	ls_random_init(&random, reading->options.seed + thread);
	for (uint64_t i = 0; i < reading->reads && !ls_thread_group_is_cancelled(group); i++) {
		uint64_t offset = place_of(reading, thread, i, &random);
		int err = ls_file_read(side->fd, reader->block, reading->options.block, offset);
		int64_t now_ns = ls_clock_now();

		if (err)
			return fail(reading, side, err, side->step,
				    (int64_t)locate(reading, side, reader->block, offset));
		ls_histogram_record(&reader->latency, (uint64_t)(now_ns - since_ns));
		since_ns = now_ns;
	}
	return ls_thread_group_is_cancelled(group) ? -ECANCELED : 0;
}

/* Reads one device with all threads; region, if there is one, is around it. */
static int run_threads(struct reading *reading, struct ls_thread_group *group,
		       struct ls_region *region, const struct ls_job *job)
{
	int err = ls_thread_group_init(group, (uint32_t)reading->options.threads, reader_thread,
				       reading);

	if (err)
		return fail(reading, reading->side, err, "start thread", -1);
	if (region)
		ls_region_enter(region, job, reading->result);
	err = ls_thread_group_run(group);
	if (region)
		ls_region_leave(region, group->start_ns);
	return err;
}

static int read_side(struct reading *reading, const struct side *side, const char *name,
		     struct ls_region *region, const struct ls_job *job)
{
	struct ls_histogram *latency = ls_histogram_take(reading->result, name);
	struct ls_thread_group group;
	int err;

	for (uint64_t i = 0; i < reading->options.threads; i++)
		ls_histogram_init(&reading->readers[i].latency, name);
	reading->side = side;
	err = run_threads(reading, &group, region, job);
	for (uint64_t i = 0; i < reading->options.threads; i++)
		ls_histogram_merge(latency, &reading->readers[i].latency);
	ls_span_add(reading->result, name, 0, group.start_ns, group.end_ns);
	ls_value_add(reading->result, region ? ls_value_elapsed_ns : "floor_ns",
		     group.end_ns - group.start_ns);
	ls_thread_group_deinit(&group);
	return err;
}

static int drop(struct reading *reading, const struct side *side)
{
	int dropped, err = ls_cache_drop(side->fd, reading->device_bytes, &dropped);
	int64_t resident = -1;

	if (err)
		return fail(reading, side, err, "set cache state", -1);
	err = ls_cache_resident(side->fd, reading->device_bytes, &resident);
	ls_value_add(reading->result,
		     side == &reading->device ? "cached_before_bytes" : "floor_cached_bytes",
		     err ? err : resident);
	return 0;
}

static int warm(const struct reading *reading)
{
	void *block = reading->readers[0].block;
	uint64_t stride = reading->options.warm_stride;

	for (uint64_t at = 0; stride && at + SMALL_BYTES <= reading->device_bytes; at += stride) {
		int err = ls_file_read(reading->device.direct, block, SMALL_BYTES, at);

		if (err)
			return fail(reading, &reading->device, err, "O_DIRECT read", (int64_t)at);
	}
	return 0;
}

/* Some blocks of both, to see that they hold the same. */
static int verify(struct reading *reading)
{
	LS_FREE uint8_t *blocks = NULL;
	struct ls_random random;
	uint64_t count = reading->device_bytes / SMALL_BYTES;

	if (posix_memalign((void **)&blocks, SMALL_BYTES, 2 * SMALL_BYTES))
		return fail(reading, &reading->device, -ENOMEM, "reserve block", -1);
	ls_random_init(&random, reading->options.seed + UINT32_MAX);
	for (int i = 0; i < VERIFIED_BLOCKS; i++) {
		uint64_t at = ls_random_next(&random) % count * SMALL_BYTES;
		int err = ls_file_read(reading->device.direct, blocks, SMALL_BYTES, at);

		if (!err)
			err = ls_file_read(reading->baseline.direct, blocks + SMALL_BYTES,
					   SMALL_BYTES, at);
		if (!err && memcmp(blocks, blocks + SMALL_BYTES, SMALL_BYTES))
			err = -EBADMSG;
		if (err)
			return fail(reading, &reading->device, err, "verify", (int64_t)at);
	}
	ls_value_add(reading->result, "verified_bytes", VERIFIED_BLOCKS * SMALL_BYTES);
	return 0;
}

static int measure(struct reading *reading, const struct ls_job *job)
{
	struct ls_region region;
	int64_t start_ns = ls_clock_now();
	int err = drop(reading, &reading->baseline);

	if (!err)
		err = read_side(reading, &reading->baseline, "floor read", NULL, job);
	if (!err)
		err = drop(reading, &reading->device);
	if (!err)
		err = warm(reading);
	ls_value_add(reading->result, ls_value_set_up_ns, ls_clock_now() - start_ns);
	if (!err)
		err = read_side(reading, &reading->device, "read", &region, job);
	if (err)
		return err;
	ls_value_add(reading->result, "reads",
		     (int64_t)(reading->reads * reading->options.threads));
	ls_value_add(reading->result, "bytes",
		     (int64_t)(reading->reads * reading->options.threads *
			       reading->options.block));
	ls_region_report(&region);
	return verify(reading);
}

static void close_side(const struct side *side)
{
	if (side->fd >= 0)
		close(side->fd);
	if (side->direct >= 0)
		close(side->direct);
}

static void release(struct reading *reading)
{
	for (uint64_t i = 0; reading->readers && i < reading->options.threads; i++)
		free(reading->readers[i].block);
	free(reading->readers);
	close_side(&reading->device);
	close_side(&reading->baseline);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct reading reading = {
		.result = ret,
		.device = { NULL, NULL, -1, -1 },
		.baseline = { NULL, NULL, -1, -1 },
	};
	int err = ls_options_parse(specs, job, &reading.options, ret);

	if (!err)
		err = check_options(&reading);
	if (!err)
		err = open_sides(&reading);
	if (!err)
		err = make_readers(&reading);
	if (!err)
		err = measure(&reading, job);
	release(&reading);
	return err;
}

const struct ls_operation ls_device_read_operation = { "device-read", specs, run };
