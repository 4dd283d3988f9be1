/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation damaged-read: one read of a piece of a device whose blocks below are damaged, or
 * read ahead of that piece, until the device has nothing in flight any more. The piece is
 * compared with the same one of a device that holds what is right. With suspend, a
 * device-mapper device below is suspended meanwhile. EIO is a result here: read_errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/dm.h"
#include "block/verity.h"
#include "core/operation.h"
#include "core/record.h"
#include "system/cache.h"
#include "system/clock.h"
#include "system/device.h"
#include "system/file.h"
#include "system/region.h"
#include "system/text.h"

enum {
	BLOCK_BYTES = 1 << 12,
	BYTES_MOST = 1 << 26,
	POLL_NS = 100000,
	PATH_BYTES = 64,
};

enum way { DIRECT, BUFFERED, READAHEAD };

struct options {
	const char *device;
	const char *baseline;
	uint64_t offset;
	uint64_t bytes;
	uint64_t read;		/* as enum way */
	const char *verity;	/* name of the device, whose status counts corrected blocks; or "" */
	const char *suspend;	/* name of a device below; or "" */
	uint64_t suspended_ns;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("device", struct options, device, LS_REQUIRED),
	LS_TEXT_OPTION("baseline", struct options, baseline, LS_REQUIRED),
	LS_NUMBER_OPTION("offset", struct options, offset, LS_REQUIRED),
	LS_NUMBER_OPTION("bytes", struct options, bytes, LS_REQUIRED),
	LS_CHOICE_OPTION("read", struct options, read,
			 LS_CHOICES("direct", "buffered", "readahead"), "direct"),
	LS_TEXT_OPTION("verity", struct options, verity, ""),
	LS_TEXT_OPTION("suspend", struct options, suspend, ""),
	LS_NUMBER_OPTION("suspended-ns", struct options, suspended_ns, "0"),
	LS_OPTIONS_END,
};

struct reading {
	struct options options;
	struct ls_result *result;
	struct ls_dm dm;
	struct ls_device_info info;
	char inflight[PATH_BYTES];	/* the kernel's file with what the device has in flight */
	char text[LS_SAMPLE_BYTES];
	int fd;			/* through the page cache */
	int direct;
	int baseline;		/* O_DIRECT */
	uint8_t *piece;
	uint8_t *right;		/* what it has to be */
};

static int fail(const struct reading *reading, int code, const char *step, const char *path)
{
	return ls_result_fail(reading->result, code, step, path, -1);
}

static int check_options(const struct reading *reading)
{
	const struct options *options = &reading->options;

	if (!options->bytes || options->bytes > BYTES_MOST || options->bytes % BLOCK_BYTES)
		return ls_option_refuse(reading->result, "bytes", options->bytes);
	if (options->offset % BLOCK_BYTES || options->offset > INT64_MAX - options->bytes)
		return ls_option_refuse(reading->result, "offset", options->offset);
	/* Such a read would wait until the device is resumed. */
	if (*options->suspend && options->read != READAHEAD)
		return ls_option_refuse(reading->result, "read", options->read);
	return 0;
}

static int open_device(const struct reading *reading, const char *path, int flags, int *ret)
{
	*ret = open(path, O_RDONLY | O_CLOEXEC | flags);
	return *ret < 0 ? fail(reading, -errno, "open device", path) : 0;
}

static int query(struct reading *reading, const char *path)
{
	int err = ls_device_query(path, &reading->info);

	if (!err && reading->info.bytes < reading->options.offset + reading->options.bytes)
		err = -ENOSPC;
	return err ? fail(reading, err, "query device", path) : 0;
}

static int open_devices(struct reading *reading)
{
	const struct options *options = &reading->options;
	int err = query(reading, options->baseline);

	if (!err)
		err = query(reading, options->device);
	snprintf(reading->inflight, sizeof(reading->inflight), "/sys/dev/block/%u:%u/inflight",
		 reading->info.major, reading->info.minor);
	if (!err)
		err = open_device(reading, options->baseline, O_DIRECT, &reading->baseline);
	if (!err)
		err = open_device(reading, options->device, 0, &reading->fd);
	return err ? err : open_device(reading, options->device, O_DIRECT, &reading->direct);
}

static int open_dm(struct reading *reading)
{
	const struct options *options = &reading->options;
	const char *const names[] = { options->verity, options->suspend };

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int err = *names[i] ? ls_dm_check_name(&reading->dm, names[i]) : 0;

		if (!err && *names[i] && reading->dm.control < 0)
			err = ls_dm_init(&reading->dm);
		if (err)
			return fail(reading, err, reading->dm.step, names[i]);
	}
	return 0;
}

static int read_right(struct reading *reading)
{
	const struct options *options = &reading->options;
	/* See check_options. */
	const size_t bytes = (size_t)options->bytes;
	int err;

	if (posix_memalign((void **)&reading->piece, BLOCK_BYTES, bytes) ||
	    posix_memalign((void **)&reading->right, BLOCK_BYTES, bytes))
		return fail(reading, -ENOMEM, "reserve block", options->device);
	/* No fault in the timed region. */
	memset(reading->piece, 0, bytes);
	err = ls_file_read(reading->baseline, reading->right, options->bytes, options->offset);
	return err ? fail(reading, err, "baseline read", options->baseline) : 0;
}

static int drop(struct reading *reading)
{
	int dropped, err = ls_cache_drop(reading->fd, reading->info.bytes, &dropped);
	int64_t resident = -1;

	if (err)
		return fail(reading, err, "set cache state", reading->options.device);
	err = ls_cache_resident(reading->fd, reading->info.bytes, &resident);
	ls_value_add(reading->result, "cached_before_bytes", err ? err : resident);
	return 0;
}

static int read_corrected(struct reading *reading, int64_t *ret)
{
	int err = ls_verity_corrected(&reading->dm, reading->options.verity, ret);

	return err ? fail(reading, err, reading->dm.step, reading->options.verity) : 0;
}

/* Until the device has nothing in flight: a read ahead goes on after its call. */
static int wait_until_idle(struct reading *reading)
{
	for (;;) {
		unsigned long long reads;
		size_t length;
		int err = ls_text_read(reading->inflight, 0, reading->text, &length);

		if (!err && sscanf(reading->text, "%llu", &reads) != 1)
			err = -EPROTO;
		if (err)
			return fail(reading, err, "requests in flight", reading->inflight);
		if (!reads)
			return 0;
		ls_clock_pause(POLL_NS);
	}
}

static int read_ahead(struct reading *reading)
{
	const struct options *options = &reading->options;

	return readahead(reading->fd, (off64_t)options->offset, (size_t)options->bytes) ?
		fail(reading, -errno, "readahead", options->device) : 0;
}

static int read_ahead_suspended(struct reading *reading)
{
	const char *name = reading->options.suspend;
	const int64_t start_ns = ls_clock_now();
	int err = ls_dm_suspend(&reading->dm, name), resumed;

	if (err)
		err = fail(reading, err, reading->dm.step, name);
	else
		err = read_ahead(reading);
	if (!err)
		ls_clock_pause((int64_t)reading->options.suspended_ns);
	resumed = ls_dm_resume(&reading->dm, name);
	ls_value_add(reading->result, "suspended_ns", ls_clock_now() - start_ns);
	if (!err && resumed)
		err = fail(reading, resumed, reading->dm.step, name);
	return err;
}

/* The timed read; EIO is no failure of the operation. */
static int read_once(struct reading *reading, int *ret)
{
	const struct options *options = &reading->options;
	int fd = options->read == DIRECT ? reading->direct : reading->fd;
	int err;

	*ret = 0;
	if (options->read == READAHEAD) {
		err = *options->suspend ? read_ahead_suspended(reading) : read_ahead(reading);
		return err ? err : wait_until_idle(reading);
	}
	err = ls_file_read(fd, reading->piece, options->bytes, options->offset);
	if (err && err != -EIO)
		return fail(reading, err, options->read == DIRECT ? "O_DIRECT read" : "read",
			    options->device);
	*ret = -err;
	return 0;
}

/* What a reader gets who comes after the read ahead. */
static int read_later(struct reading *reading, int *ret)
{
	const struct options *options = &reading->options;
	const int64_t start_ns = ls_clock_now();
	int err = ls_file_read(reading->fd, reading->piece, options->bytes, options->offset);

	ls_value_add(reading->result, "later_read_ns", ls_clock_now() - start_ns);
	*ret = err == -EIO ? EIO : 0;
	return err && err != -EIO ? fail(reading, err, "read", options->device) : 0;
}

static int verify(const struct reading *reading)
{
	const struct options *options = &reading->options;

	for (uint64_t at = 0; at < options->bytes; at += BLOCK_BYTES)
		if (memcmp(reading->piece + at, reading->right + at, BLOCK_BYTES))
			return ls_result_fail(reading->result, -EBADMSG, "verify", options->device,
					      (int64_t)(options->offset + at));
	ls_value_add(reading->result, "verified_bytes", (int64_t)options->bytes);
	return 0;
}

static int time_read(struct reading *reading, const struct ls_job *job, int *ret)
{
	struct ls_region region;
	int64_t start_ns, end_ns;
	int err;

	ls_region_enter(&region, job, reading->result);
	start_ns = ls_clock_now();
	err = read_once(reading, ret);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	ls_value_add(reading->result, ls_value_elapsed_ns, end_ns - start_ns);
	ls_span_add(reading->result, "read", 0, start_ns, end_ns);
	ls_region_report(&region);
	return 0;
}

static int measure(struct reading *reading, const struct ls_job *job)
{
	const int counts = *reading->options.verity;
	int64_t before = -1, after = -1;
	int read_errno = 0, err = drop(reading);

	if (!err && counts)
		err = read_corrected(reading, &before);
	if (!err)
		err = time_read(reading, job, &read_errno);
	if (!err && counts)
		err = read_corrected(reading, &after);
	if (!err && before >= 0 && after >= 0)
		ls_value_add(reading->result, "corrected_blocks", after - before);
	if (!err && reading->options.read == READAHEAD)
		err = read_later(reading, &read_errno);
	if (err)
		return err;
	ls_value_add(reading->result, "read_errno", read_errno);
	return read_errno ? 0 : verify(reading);
}

static void close_device(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void release(struct reading *reading)
{
	close_device(reading->baseline);
	close_device(reading->direct);
	close_device(reading->fd);
	ls_dm_deinit(&reading->dm);
	free(reading->piece);
	free(reading->right);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct reading reading = {
		.result = ret, .dm = { .control = -1 }, .fd = -1, .direct = -1, .baseline = -1,
	};
	int err = ls_options_parse(specs, job, &reading.options, ret);

	if (!err)
		err = check_options(&reading);
	if (!err)
		err = open_dm(&reading);
	if (!err)
		err = open_devices(&reading);
	if (!err)
		err = read_right(&reading);
	if (!err)
		err = measure(&reading, job);
	release(&reading);
	return err;
}

const struct ls_operation ls_damaged_read_operation = { "damaged-read", specs, run };
