/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation merge-read: threads read a verity device around the page cache. With snapshot, the
 * device-mapper device below is merged meanwhile, and they read until it is; else each reads its
 * share of total. What is read, and in the end all of one device more, is compared with the
 * image, which is held in memory. The hash tree is read before, by a block in so many bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/dm.h"
#include "block/image.h"
#include "block/merge.h"
#include "block/verity.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/device.h"
#include "system/file.h"
#include "system/region.h"
#include "system/thread_group.h"

enum { BLOCK_MOST = 1 << 20 };

enum pattern { RANDOM, SEQUENTIAL };

struct options {
	const char *device;	/* that is read */
	const char *image;	/* holds what it has to hold */
	const char *compared;	/* has to hold it in the end */
	const char *verity;	/* name of the device, whose status counts corrected blocks; or "" */
	const char *snapshot;	/* name of the device that is merged; or "" */
	const char *merging;	/* its tables: see struct ls_merge */
	const char *merged;
	uint64_t pattern;
	uint64_t block;
	uint64_t total;		/* bytes, of all threads, where nothing is merged */
	uint64_t threads;
	uint64_t warm_stride;
	uint64_t seed;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("device", struct options, device, LS_REQUIRED),
	LS_TEXT_OPTION("image", struct options, image, LS_REQUIRED),
	LS_TEXT_OPTION("compared", struct options, compared, LS_REQUIRED),
	LS_TEXT_OPTION("verity", struct options, verity, ""),
	LS_TEXT_OPTION("snapshot", struct options, snapshot, ""),
	LS_TEXT_OPTION("merging", struct options, merging, ""),
	LS_TEXT_OPTION("merged", struct options, merged, ""),
	LS_CHOICE_OPTION("pattern", struct options, pattern,
			 LS_CHOICES("random", "sequential"), "random"),
	LS_NUMBER_OPTION("block", struct options, block, "4096"),
	LS_NUMBER_OPTION("total", struct options, total, "8388608"),
	LS_NUMBER_OPTION("threads", struct options, threads, "1"),
	LS_NUMBER_OPTION("warm-stride", struct options, warm_stride, "0"),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_OPTIONS_END,
};

struct reader {
	void *block;
	uint64_t reads;
	struct ls_histogram latency;
};

struct reading {
	struct options options;
	struct ls_result *result;
	struct ls_dm dm;
	struct ls_merge merge;
	struct ls_thread_group group;
	uint64_t bytes;		/* of the image */
	uint64_t reads;		/* of each thread, where nothing is merged */
	int is_merged;		/* the readers stop */
	int device;
	int image_fd;
	int compared;
	struct ls_image image;
	struct reader *readers;
};

static int fail(const struct reading *reading, int code, const char *step, const char *path,
		int64_t offset)
{
	return ls_result_fail(reading->result, code, step, path, offset);
}

static int check_options(struct reading *reading)
{
	const struct options *options = &reading->options;

	/* One more merges. */
	if (!options->threads || options->threads >= LS_THREADS_MAX)
		return ls_option_refuse(reading->result, "threads", options->threads);
	if (options->block < LS_IMAGE_BLOCK_BYTES || options->block > BLOCK_MOST)
		return ls_option_refuse(reading->result, "block", options->block);
	if (options->block % LS_IMAGE_BLOCK_BYTES)
		return fail(reading, -EINVAL, "block of the device", options->device,
			    LS_IMAGE_BLOCK_BYTES);
	reading->reads = options->total / options->block / options->threads;
	if ((!reading->reads && !*options->snapshot) || options->total > INT64_MAX)
		return ls_option_refuse(reading->result, "total", options->total);
	return 0;
}

static int open_device(struct reading *reading, const char *path, int *ret)
{
	struct ls_device_info info = { 0 };
	int err = ls_device_query(path, &info);

	if (!err && (info.bytes < reading->bytes || info.bytes < reading->options.block))
		err = -ENOSPC;
	if (err)
		return fail(reading, err, "query device", path, -1);
	if (!reading->bytes)
		reading->bytes = info.bytes;
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	return *ret < 0 ? fail(reading, -errno, "open device", path, -1) : 0;
}

static int open_devices(struct reading *reading)
{
	const struct options *options = &reading->options;
	/* First: how large the others have to be. */
	int err = open_device(reading, options->image, &reading->image_fd);

	if (!err)
		err = open_device(reading, options->device, &reading->device);
	return err ? err : open_device(reading, options->compared, &reading->compared);
}

static int open_dm(struct reading *reading)
{
	const char *const names[] = { reading->options.verity, reading->options.snapshot };

	for (int i = 0; i < 2; i++) {
		int err = *names[i] ? ls_dm_check_name(&reading->dm, names[i]) : 0;

		if (!err && *names[i] && reading->dm.control < 0)
			err = ls_dm_init(&reading->dm);
		if (err)
			return fail(reading, err, reading->dm.step, names[i], -1);
	}
	return 0;
}

static int make_readers(struct reading *reading)
{
	const struct options *options = &reading->options;
	/* Neither is large: see check_options. */
	const uint32_t threads = (uint32_t)options->threads;
	const uint32_t block_bytes = (uint32_t)options->block;

	reading->readers = calloc(threads, sizeof(*reading->readers));
	if (!reading->readers)
		return fail(reading, -ENOMEM, "reserve threads", options->device, -1);
	for (uint32_t i = 0; i < threads; i++) {
		void **block = &reading->readers[i].block;

		ls_histogram_init(&reading->readers[i].latency, "read");
		if (posix_memalign(block, LS_IMAGE_BLOCK_BYTES, block_bytes))
			return fail(reading, -ENOMEM, "reserve block", options->device, -1);
		/* No fault in the timed region. */
		memset(*block, 0, block_bytes);
	}
	return 0;
}

/* The hash tree, so that what is read below from then on is data. */
static int warm(struct reading *reading)
{
	uint64_t stride = reading->options.warm_stride;

	for (uint64_t at = 0; stride && at < reading->bytes; at += stride) {
		int err = ls_file_read(reading->device, reading->image.piece, LS_IMAGE_BLOCK_BYTES,
				       at);

		if (err)
			return fail(reading, err, "O_DIRECT read", reading->options.device,
				    (int64_t)at);
	}
	return 0;
}

/* The offset of a thread's read number position; in sequence each thread has its own share. */
static uint64_t place_of(const struct reading *reading, uint32_t thread, uint64_t position,
			 struct ls_random *random)
{
	uint64_t blocks = reading->bytes / reading->options.block;
	uint64_t share = blocks / reading->options.threads;

	if (reading->options.pattern == RANDOM)
		return ls_random_next(random) % blocks * reading->options.block;
	return (thread * share + position) % blocks * reading->options.block;
}

static int is_over(const struct reading *reading, uint64_t position)
{
	if (*reading->options.snapshot)
		return __atomic_load_n(&reading->is_merged, __ATOMIC_RELAXED);
	return position >= reading->reads;
}

static int is_cancelled(void *group)
{
	return ls_thread_group_is_cancelled(group);
}

/* One reader's part of the timed region. What it compares is no part of a read's time. */
static int read_blocks(struct reading *reading, uint32_t thread)
{
	const struct options *options = &reading->options;
	struct reader *reader = &reading->readers[thread];
	struct ls_random random;

	ls_random_init(&random, options->seed + thread);
	for (; !is_over(reading, reader->reads); reader->reads++) {
		uint64_t offset = place_of(reading, thread, reader->reads, &random);
		int64_t start_ns = ls_clock_now();
		int err = ls_file_read(reading->device, reader->block, options->block, offset);

		if (err)
			return fail(reading, err, "O_DIRECT read", options->device,
				    (int64_t)offset);
		ls_histogram_record(&reader->latency, (uint64_t)(ls_clock_now() - start_ns));
		err = ls_image_compare(&reading->image, reader->block, options->block, offset,
				       options->device);
		if (err)
			return err;
		if (is_cancelled(&reading->group))
			return -ECANCELED;
	}
	return 0;
}

static int run_merge(struct reading *reading)
{
	int err = ls_merge_run(&reading->merge, is_cancelled, &reading->group);

	__atomic_store_n(&reading->is_merged, 1, __ATOMIC_RELAXED);
	if (!err || err == -ECANCELED)
		return err;
	return fail(reading, err, reading->dm.step, *reading->merge.gave_up ?
		    reading->merge.gave_up : reading->options.snapshot, -1);
}

/* The calling thread reads; the last one merges. */
static int thread_work(struct ls_thread_group *group, uint32_t thread)
{
	struct reading *reading = group->shared;

	return thread == reading->options.threads ? run_merge(reading)
						  : read_blocks(reading, thread);
}

static void report_reads(struct reading *reading)
{
	struct ls_histogram *latency = ls_histogram_take(reading->result, "read");
	uint64_t reads = 0;

	for (uint64_t i = 0; i < reading->options.threads; i++) {
		ls_histogram_merge(latency, &reading->readers[i].latency);
		reads += reading->readers[i].reads;
	}
	ls_value_add(reading->result, "reads", (int64_t)reads);
	ls_value_add(reading->result, "bytes", (int64_t)(reads * reading->options.block));
}

static void report_merge(const struct reading *reading)
{
	const struct ls_merge *merge = &reading->merge;

	ls_value_add(reading->result, "merged_bytes", merge->bytes);
	ls_value_add(reading->result, "merge_ns", merge->end_ns - merge->start_ns);
	ls_value_add(reading->result, "to_merging_ns", merge->to_merging_ns);
	ls_value_add(reading->result, "to_merged_ns", merge->to_merged_ns);
	ls_span_add(reading->result, "merge", 1, merge->start_ns, merge->end_ns);
}

static int time_reads(struct reading *reading, const struct ls_job *job)
{
	const int merges = *reading->options.snapshot != '\0';
	struct ls_thread_group *group = &reading->group;
	struct ls_region region;
	int err = ls_thread_group_init(group, (uint32_t)reading->options.threads + (uint32_t)merges,
				       thread_work, reading);

	if (err)
		return fail(reading, err, "start thread", reading->options.device, -1);
	ls_region_enter(&region, job, reading->result);
	err = ls_thread_group_run(group);
	ls_region_leave(&region, group->start_ns);
	report_reads(reading);
	ls_span_add(reading->result, "read", 0, group->start_ns, group->end_ns);
	ls_value_add(reading->result, ls_value_elapsed_ns, group->end_ns - group->start_ns);
	if (merges)
		report_merge(reading);
	ls_region_report(&region);
	return err;
}

static int read_corrected(struct reading *reading, int64_t *ret)
{
	int err = *reading->options.verity ?
		ls_verity_corrected(&reading->dm, reading->options.verity, ret) : 0;

	return err ? fail(reading, err, reading->dm.step, reading->options.verity, -1) : 0;
}

static int measure(struct reading *reading, const struct ls_job *job)
{
	int64_t before = -1, after = -1, start_ns = ls_clock_now();
	int err = ls_image_read(&reading->image, reading->image_fd, reading->options.image,
				reading->bytes);

	if (!err)
		err = warm(reading);
	if (!err)
		err = read_corrected(reading, &before);
	ls_value_add(reading->result, ls_value_set_up_ns, ls_clock_now() - start_ns);
	if (!err)
		err = time_reads(reading, job);
	if (!err)
		err = read_corrected(reading, &after);
	if (!err && before >= 0)
		ls_value_add(reading->result, "corrected_blocks", after - before);
	if (err)
		return err;
	ls_value_add(reading->result, "verified_bytes", (int64_t)reading->bytes);
	return ls_image_compare_all(&reading->image, reading->compared, reading->options.compared);
}

static void release(struct reading *reading)
{
	const int fds[] = { reading->device, reading->image_fd, reading->compared };

	ls_thread_group_deinit(&reading->group);
	for (uint64_t i = 0; reading->readers && i < reading->options.threads; i++)
		free(reading->readers[i].block);
	free(reading->readers);
	ls_image_release(&reading->image);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	ls_dm_deinit(&reading->dm);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct reading reading = {
		.result = ret,
		.image = { .result = ret },
		.dm = { .control = -1 },
		.device = -1,
		.image_fd = -1,
		.compared = -1,
	};
	int err = ls_options_parse(specs, job, &reading.options, ret);

	if (!err)
		err = check_options(&reading);
	if (!err)
		err = open_dm(&reading);
	if (!err)
		err = open_devices(&reading);
	reading.merge = (struct ls_merge){
		.dm = &reading.dm,
		.name = reading.options.snapshot,
		.merging = reading.options.merging,
		.merged = reading.options.merged,
	};
	if (!err)
		err = make_readers(&reading);
	if (!err)
		err = measure(&reading, job);
	release(&reading);
	return err;
}

const struct ls_operation ls_merge_read_operation = { "merge-read", specs, run };
