/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation dm-flush: threads write blocks to random places of a block device and sync
 * after each, for a number of writes each or for a time; all that was on the device is
 * lost. Afterwards, untimed, the bios that one sync of a clean device becomes are counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "core/size.h"
#include "system/clock.h"
#include "system/thread_group.h"
#include "system/device.h"
#include "system/file.h"
#include "system/region.h"
#include "system/tracepoint.h"

enum {
	ALIGN_BYTES = 1 << 12,
	BLOCK_MOST = 1 << 26,
	COUNTED_SYNCS = 4,
	FILTER_BYTES = 64,
	/* Of the kernel's own dev_t, which tracepoints show. */
	MINOR_BITS = 20,
};

enum sync { FDATASYNC, FSYNC, DSYNC, EMPTY };

struct options {
	const char *device;
	uint64_t threads;
	uint64_t block;
	uint64_t sync;
	uint64_t writes;	/* of each thread */
	uint64_t seconds;	/* 0: until the writes are done */
	uint64_t io;
	uint64_t seed;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("device", struct options, device, LS_REQUIRED),
	LS_NUMBER_OPTION("threads", struct options, threads, "16"),
	LS_NUMBER_OPTION("block", struct options, block, "4096"),
	LS_CHOICE_OPTION("sync", struct options, sync,
			 LS_CHOICES("fdatasync", "fsync", "dsync", "empty"), "fdatasync"),
	LS_NUMBER_OPTION("writes", struct options, writes, "20"),
	LS_NUMBER_OPTION("seconds", struct options, seconds, "0"),
	LS_CHOICE_OPTION("io", struct options, io, LS_CHOICES("buffered", "direct"), "buffered"),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_OPTIONS_END,
};

struct writer {
	struct ls_random random;
	void *block;
	uint64_t writes;
	uint64_t syncs;
	struct ls_histogram write_latency;
	struct ls_histogram sync_latency;
};

struct flushing {
	struct options options;
	struct ls_result *result;
	struct ls_device_info device;
	int fd;
	struct writer *writers;
	int64_t deadline_ns;	/* 0: none */
};

static int fail(const struct flushing *flushing, int code, const char *step, int64_t offset)
{
	return ls_result_fail(flushing->result, code, step, flushing->options.device, offset);
}

static int check_options(const struct flushing *flushing)
{
	const struct options *options = &flushing->options;

	if (!options->threads || options->threads > LS_THREADS_MAX)
		return ls_option_refuse(flushing->result, "threads", options->threads);
	if (!options->block || options->block > BLOCK_MOST)
		return ls_option_refuse(flushing->result, "block", options->block);
	if (!options->writes)
		return ls_option_refuse(flushing->result, "writes", options->writes);
	if (options->seconds > INT64_MAX / 1000000000)
		return ls_option_refuse(flushing->result, "seconds", options->seconds);
	return 0;
}

static int open_device(struct flushing *flushing)
{
	const struct options *options = &flushing->options;
	int flags = O_RDWR | O_CLOEXEC | (options->io ? O_DIRECT : 0);
	int err = ls_device_query(options->device, &flushing->device);

	if (err)
		return fail(flushing, err, "query device", -1);
	if (options->block % flushing->device.block_bytes)
		return fail(flushing, -EINVAL, "block of the device", flushing->device.block_bytes);
	if (flushing->device.bytes < options->block)
		return fail(flushing, -ENOSPC, "query device", -1);
	flushing->fd = open(options->device, flags);
	return flushing->fd < 0 ? fail(flushing, -errno, "open device", -1) : 0;
}

static int make_writers(struct flushing *flushing)
{
	const struct options *options = &flushing->options;

	flushing->writers = calloc(ls_size(options->threads), sizeof(*flushing->writers));
	if (!flushing->writers)
		return fail(flushing, -ENOMEM, "reserve threads", -1);
	for (uint64_t i = 0; i < options->threads; i++) {
		struct writer *writer = &flushing->writers[i];
		size_t bytes = ls_size(ls_round_up(options->block, ALIGN_BYTES));

		ls_random_init(&writer->random, options->seed + i);
		ls_histogram_init(&writer->write_latency, "write");
		ls_histogram_init(&writer->sync_latency, "sync");
		if (posix_memalign(&writer->block, ALIGN_BYTES, bytes))
			return fail(flushing, -ENOMEM, "reserve block", -1);
		ls_random_fill(&writer->random, writer->block, bytes / sizeof(uint64_t));
	}
	return 0;
}

static int write_block(struct flushing *flushing, struct writer *writer, int64_t *since_ns)
{
	const struct options *options = &flushing->options;
	uint64_t blocks = flushing->device.bytes / options->block;
	uint64_t offset = ls_random_next(&writer->random) % blocks * options->block;
	int is_synced = options->sync == DSYNC;
	int64_t now_ns;
	int err = ls_file_write(flushing->fd, writer->block, options->block, offset,
				is_synced ? RWF_DSYNC : 0);

	if (err)
		return fail(flushing, err, is_synced ? "RWF_DSYNC write" : "write",
			    (int64_t)offset);
	now_ns = ls_clock_now();
	ls_histogram_record(is_synced ? &writer->sync_latency : &writer->write_latency,
			    (uint64_t)(now_ns - *since_ns));
	*since_ns = now_ns;
	writer->writes++;
	writer->syncs += (uint64_t)is_synced;
	return 0;
}

static int sync_once(const struct flushing *flushing)
{
	int is_data = flushing->options.sync == FDATASYNC;

	while (is_data ? fdatasync(flushing->fd) : fsync(flushing->fd))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int sync_device(struct flushing *flushing, struct writer *writer, int64_t *since_ns)
{
	int err = sync_once(flushing);
	int64_t now_ns;

	if (err)
		return fail(flushing, err,
			    flushing->options.sync == FDATASYNC ? "fdatasync" : "fsync", -1);
	now_ns = ls_clock_now();
	ls_histogram_record(&writer->sync_latency, (uint64_t)(now_ns - *since_ns));
	*since_ns = now_ns;
	writer->syncs++;
	return 0;
}

/* One thread's part of the timed region. */
static int writer_thread(struct ls_thread_group *group, uint32_t thread)
{
	struct flushing *flushing = group->shared;
	struct writer *writer = &flushing->writers[thread];
	const struct options *options = &flushing->options;
	int64_t since_ns = ls_clock_now();
	int err = 0;

	for (uint64_t i = 0; !err && !ls_thread_group_is_cancelled(group); i++) {
		if (flushing->deadline_ns ? since_ns >= flushing->deadline_ns :
					    i == options->writes)
			break;
		if (options->sync != EMPTY)
			err = write_block(flushing, writer, &since_ns);
		if (!err && options->sync != DSYNC)
			err = sync_device(flushing, writer, &since_ns);
	}
	return !err && ls_thread_group_is_cancelled(group) ? -ECANCELED : err;
}

/* Merges what the threads counted into the result. */
static void report_writers(struct flushing *flushing)
{
	struct ls_histogram *writes = NULL;
	struct ls_histogram *syncs = ls_histogram_take(flushing->result, "sync");
	uint64_t written = 0, synced = 0, sync = flushing->options.sync;

	if (sync != EMPTY && sync != DSYNC)
		writes = ls_histogram_take(flushing->result, "write");
	for (uint64_t i = 0; i < flushing->options.threads; i++) {
		const struct writer *writer = &flushing->writers[i];

		written += writer->writes;
		synced += writer->syncs;
		ls_histogram_merge(syncs, &writer->sync_latency);
		if (writes)
			ls_histogram_merge(writes, &writer->write_latency);
	}
	ls_value_add(flushing->result, "writes", (int64_t)written);
	ls_value_add(flushing->result, "syncs", (int64_t)synced);
	ls_value_add(flushing->result, "bytes", (int64_t)(written * flushing->options.block));
}

static int write_and_sync(struct flushing *flushing, const struct ls_job *job,
			  struct ls_thread_group *group)
{
	struct ls_result *result = flushing->result;
	struct ls_region region;
	int err = ls_thread_group_init(group, (uint32_t)flushing->options.threads, writer_thread,
				       flushing);

	if (err)
		return fail(flushing, err, "start thread", -1);
	ls_region_enter(&region, job, result);
	if (flushing->options.seconds)
		flushing->deadline_ns = ls_clock_now() +
					(int64_t)flushing->options.seconds * 1000000000;
	err = ls_thread_group_run(group);
	ls_region_leave(&region, group->start_ns);
	if (err)
		return err;
	ls_span_add(result, "write and sync", 0, group->start_ns, group->end_ns);
	ls_value_add(result, ls_value_elapsed_ns, group->end_ns - group->start_ns);
	ls_region_report(&region);
	return 0;
}

static int measure(struct flushing *flushing, const struct ls_job *job)
{
	struct ls_thread_group group;
	int err = write_and_sync(flushing, job, &group);

	ls_thread_group_deinit(&group);
	if (!err)
		report_writers(flushing);
	return err;
}

/* What the kernel remaps for COUNTED_SYNCS of a device with nothing to write. */
static int count_remaps(const struct flushing *flushing, uint64_t *ret)
{
	uint32_t device = flushing->device.major << MINOR_BITS | flushing->device.minor;
	LS_CLOSE int counter = -1;
	char filter[FILTER_BYTES];
	int err = fsync(flushing->fd) ? -errno : 0;

	snprintf(filter, sizeof(filter), "old_dev == %u", device);
	if (!err)
		err = ls_tracepoint_open("block/block_bio_remap", filter, &counter);
	if (!err)
		err = ls_tracepoint_start(counter);
	for (int i = 0; !err && i < COUNTED_SYNCS; i++)
		err = fdatasync(flushing->fd) ? -errno : 0;
	if (!err)
		err = ls_tracepoint_stop(counter);
	return err ? err : ls_tracepoint_read(counter, ret);
}

static void report_remaps(const struct flushing *flushing)
{
	uint64_t remaps = 0;
	int err = count_remaps(flushing, &remaps);

	ls_value_add(flushing->result, "counted_remaps", err ? err : (int64_t)remaps);
	ls_value_add(flushing->result, "counted_syncs", COUNTED_SYNCS);
}

static void release(struct flushing *flushing)
{
	for (uint64_t i = 0; flushing->writers && i < flushing->options.threads; i++)
		free(flushing->writers[i].block);
	free(flushing->writers);
	if (flushing->fd >= 0)
		close(flushing->fd);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct flushing flushing = { .result = ret, .fd = -1 };
	int err = ls_options_parse(specs, job, &flushing.options, ret);

	if (!err)
		err = check_options(&flushing);
	if (!err)
		err = open_device(&flushing);
	if (!err)
		err = make_writers(&flushing);
	if (!err)
		err = measure(&flushing, job);
	if (!err)
		report_remaps(&flushing);
	release(&flushing);
	return err;
}

const struct ls_operation ls_dm_flush_operation = { "dm-flush", specs, run };
