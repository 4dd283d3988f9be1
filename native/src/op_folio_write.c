/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation folio-write: writes a file from its start to its end in pieces of one
 * size, and tells which folios of the page cache took them. The file must not
 * exist; it is removed at the end. Every piece differs from every other, so that
 * what is read back afterwards tells whether each came where it belongs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "file.h"
#include "folio.h"
#include "guard.h"
#include "layout.h"
#include "operation.h"
#include "random.h"
#include "record.h"
#include "region.h"

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif

enum {
	SIZE_LEAST = 8,			/* what a mark takes */
	SIZE_MOST = 1 << 30,
	POOL_BYTES = 1 << 20,		/* farther apart than any file system's compressor looks */
	POOL_ALIGN_BYTES = 1 << 16,
	READ_BYTES = 1 << 20,
};

enum pattern { FRESH, OVERWRITE, APPEND };
enum sync { SYNC_END, SYNC_EVERY, SYNC_NONE };
enum io { BUFFERED, DONTCACHE, DSYNC, DIRECT };

struct options {
	const char *file;
	uint64_t size;
	uint64_t total;
	uint64_t pattern;
	uint64_t sync;
	uint64_t every;		/* writes, with SYNC_EVERY */
	uint64_t io;
	uint64_t seed;
};

#define OPTION(key, kind, choices, fallback) \
	{ #key, kind, choices, fallback, offsetof(struct options, key) }

static const struct ls_option_spec specs[] = {
	OPTION(file, LS_OPTION_TEXT, NULL, NULL),
	OPTION(size, LS_OPTION_NUMBER, NULL, NULL),
	OPTION(total, LS_OPTION_NUMBER, NULL, NULL),
	OPTION(pattern, LS_OPTION_CHOICE, "fresh overwrite append", "fresh"),
	OPTION(sync, LS_OPTION_CHOICE, "end every none", "end"),
	OPTION(every, LS_OPTION_NUMBER, NULL, "1"),
	OPTION(io, LS_OPTION_CHOICE, "buffered dontcache dsync direct", "buffered"),
	OPTION(seed, LS_OPTION_NUMBER, NULL, "1"),
	{ NULL, 0, NULL, NULL, 0 },
};

/* By enum io: what open(2) and pwritev2(2) are told, and what a write's error is called. */
static const struct {
	int open_flags;
	int write_flags;
	const char *step;
} ways[] = {
	[BUFFERED] = { 0, 0, "write" },
	[DONTCACHE] = { 0, RWF_DONTCACHE, "RWF_DONTCACHE write" },
	[DSYNC] = { O_DSYNC, 0, "O_DSYNC write" },
	[DIRECT] = { O_DIRECT, 0, "O_DIRECT write" },
};

struct writing {
	struct options options;
	struct ls_result *result;
	uint8_t *pool;		/* of pieces; each is used again once all were written */
	uint64_t pieces;
	uint64_t writes;
	uint64_t start;		/* where in the file the first write goes */
	int plain;		/* the file as it was made, for all but the writes */
	int file;
	int has_made_file;
	struct ls_histogram *write_latency;
	struct ls_histogram *sync_latency;
};

/* When the region's parts ended. */
struct marks {
	int64_t start_ns;
	int64_t written_ns;
	int64_t durable_ns;
};

static int fail(const struct writing *writing, int code, const char *step, int64_t offset)
{
	return ls_result_fail(writing->result, code, step, writing->options.file, offset);
}

static uint64_t end_of(const struct writing *writing)
{
	return writing->start + writing->writes * writing->options.size;
}

static int refuse_option(const struct writing *writing, const char *key, uint64_t value)
{
	return ls_result_fail(writing->result, -ERANGE, "option", key,
			      value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static int check_options(struct writing *writing)
{
	const struct options *options = &writing->options;

	if (options->size < SIZE_LEAST || options->size > SIZE_MOST)
		return refuse_option(writing, "size", options->size);
	if (options->total < options->size || options->total > INT64_MAX / 2)
		return refuse_option(writing, "total", options->total);
	if (!options->every)
		return refuse_option(writing, "every", options->every);
	writing->writes = options->total / options->size;
	writing->start = options->pattern == APPEND ? options->size : 0;
	return 0;
}

static uint64_t pool_bytes(const struct writing *writing)
{
	return writing->pieces * writing->options.size;
}

static void fill_pool(struct writing *writing, uint64_t seed)
{
	struct ls_random random;

	ls_random_init(&random, seed);
	ls_random_fill(&random, (uint64_t *)writing->pool,
		       ls_round_up(pool_bytes(writing), sizeof(uint64_t)) / sizeof(uint64_t));
}

static int reserve_pool(struct writing *writing)
{
	uint64_t size = writing->options.size;
	void *pool = NULL;

	writing->pieces = (POOL_BYTES + size - 1) / size;
	if (posix_memalign(&pool, POOL_ALIGN_BYTES, ls_round_up(pool_bytes(writing), 8)))
		return fail(writing, -ENOMEM, "reserve payload", -1);
	writing->pool = pool;
	return 0;
}

/* What write number position writes: bytes of the pool, marked with the number. */
static uint8_t *piece_of(const struct writing *writing, uint64_t position)
{
	uint8_t *piece = writing->pool +
			 position % writing->pieces * writing->options.size;
	uint64_t mark = position ^ UINT64_C(0x9e3779b97f4a7c15);

	memcpy(piece, &mark, sizeof(mark));
	return piece;
}

/* What the file holds before the writes that are timed: none of it is what they write. */
static int write_before(struct writing *writing, uint64_t bytes)
{
	fill_pool(writing, writing->options.seed + 1);
	for (uint64_t at = 0; at < bytes; at += pool_bytes(writing)) {
		uint64_t left = ls_layout_min(bytes - at, pool_bytes(writing));
		int err = ls_file_write(writing->plain, writing->pool, left, at, 0);

		if (err)
			return fail(writing, err, "write", (int64_t)at);
	}
	return 0;
}

/* The file on disk and out of the page cache, and nothing of its file system to be written. */
static int settle(struct writing *writing)
{
	uint64_t end = end_of(writing);
	int64_t resident = -1;
	int dropped = 0, err = 0;

	if (writing->options.pattern != FRESH)
		err = ls_cache_drop(writing->plain, end, &dropped);
	if (err)
		return fail(writing, err, "set cache state", -1);
	if (syncfs(writing->plain))
		return fail(writing, -errno, "syncfs", -1);
	err = ls_cache_resident(writing->plain, end, &resident);
	ls_value_add(writing->result, "cached_before_bytes", err ? err : resident);
	return 0;
}

static int make_file(struct writing *writing)
{
	const uint64_t before[] = {
		[FRESH] = 0,
		[OVERWRITE] = end_of(writing),
		[APPEND] = writing->start,
	};
	int err;

	writing->plain = open(writing->options.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writing->plain < 0)
		return fail(writing, -errno, "create", -1);
	writing->has_made_file = 1;
	err = write_before(writing, before[writing->options.pattern]);
	fill_pool(writing, writing->options.seed);
	return err ? err : settle(writing);
}

static int check_alignment(struct writing *writing)
{
	uint32_t align_bytes = 1;
	int err = ls_file_direct_alignment(writing->file, &align_bytes);

	if (err)
		return fail(writing, err, "O_DIRECT open", -1);
	if (writing->options.size % align_bytes)
		return fail(writing, -EINVAL, "size for O_DIRECT", align_bytes);
	return 0;
}

static int open_file(struct writing *writing)
{
	int flags = O_RDWR | O_CLOEXEC | ways[writing->options.io].open_flags;

	if (writing->options.pattern == APPEND)
		flags |= O_APPEND;
	writing->file = open(writing->options.file, flags);
	if (writing->file < 0)
		return fail(writing, -errno,
			    writing->options.io == DIRECT ? "O_DIRECT open" : "open", -1);
	return writing->options.io == DIRECT ? check_alignment(writing) : 0;
}

static int sync_file(struct writing *writing, int64_t *since_ns)
{
	int64_t now_ns;

	if (fsync(writing->file))
		return fail(writing, -errno, "fsync", -1);
	now_ns = ls_clock_now();
	ls_histogram_record(writing->sync_latency, (uint64_t)(now_ns - *since_ns));
	*since_ns = now_ns;
	return 0;
}

static int is_sync_due(const struct options *options, uint64_t written, uint64_t writes)
{
	if (options->sync == SYNC_EVERY && written % options->every == 0)
		return 1;
	return options->sync != SYNC_NONE && written == writes;
}

/* The timed region. */
static int write_file(struct writing *writing, struct marks *marks)
{
	const struct options *options = &writing->options;
	const int flags = ways[options->io].write_flags;
	int64_t since_ns = marks->start_ns = ls_clock_now();

	for (uint64_t i = 0; i < writing->writes; i++) {
		uint64_t offset = writing->start + i * options->size;
		int err = ls_file_write(writing->file, piece_of(writing, i), options->size,
					offset, flags);

		if (err)
			return fail(writing, err, ways[options->io].step, (int64_t)offset);
		marks->written_ns = ls_clock_now();
		ls_histogram_record(writing->write_latency,
				    (uint64_t)(marks->written_ns - since_ns));
		since_ns = marks->written_ns;
		if (is_sync_due(options, i + 1, writing->writes))
			err = sync_file(writing, &since_ns);
		if (err)
			return err;
	}
	marks->durable_ns = since_ns;
	return 0;
}

static void tell_folios(struct writing *writing, const struct ls_folio_survey *survey)
{
	char name[LS_NAME_BYTES];

	ls_value_add(writing->result, "folios", (int64_t)survey->folios);
	if (survey->folios)
		ls_value_add(writing->result, "folio_mean_bytes",
			     (int64_t)(survey->bytes / survey->folios));
	for (uint32_t order = 0; order < LS_FOLIO_ORDERS; order++) {
		if (!survey->order_bytes[order])
			continue;
		snprintf(name, sizeof(name), "folio_order_%u_bytes", order);
		ls_value_add(writing->result, name, (int64_t)survey->order_bytes[order]);
	}
}

/* What the writes left in the page cache; dirty bytes first, as they go by themselves. */
static void tell_cache(struct writing *writing)
{
	struct ls_folio_survey survey;
	int64_t dirty = -1, resident = -1;
	uint64_t end = end_of(writing);
	int has_dirty = !ls_cache_dirty(writing->plain, end, &dirty);
	int has_resident = !ls_cache_resident(writing->plain, end, &resident);
	int has_folios = !ls_folio_survey(writing->plain, end, &survey);

	if (!has_dirty)
		dirty = has_folios ? (int64_t)survey.dirty_bytes : -1;
	ls_value_add(writing->result, "dirty_bytes", dirty);
	ls_value_add(writing->result, "cached_after_bytes", has_resident ? resident : -1);
	if (has_folios)
		tell_folios(writing, &survey);
	else
		ls_value_add(writing->result, "folio_mean_bytes", -1);
}

static void tell_times(struct writing *writing, const struct marks *marks)
{
	struct ls_result *result = writing->result;

	ls_span_add(result, "write", 0, marks->start_ns, marks->written_ns);
	ls_value_add(result, "elapsed_ns", marks->durable_ns - marks->start_ns);
	ls_value_add(result, "write_ns", marks->written_ns - marks->start_ns);
	ls_value_add(result, "writes", (int64_t)writing->writes);
	ls_value_add(result, "bytes", (int64_t)(writing->writes * writing->options.size));
	if (writing->options.sync == SYNC_NONE)
		return;
	ls_span_add(result, "sync", 0, marks->written_ns, marks->durable_ns);
	ls_value_add(result, "durable_ns", marks->durable_ns - marks->start_ns);
}

static int read_crc(const struct writing *writing, uint8_t *buffer, uint64_t offset, uint32_t *ret)
{
	*ret = 0;
	for (uint64_t done = 0; done < writing->options.size;) {
		uint64_t bytes = ls_layout_min(writing->options.size - done, READ_BYTES);
		int err = ls_file_read(writing->plain, buffer, bytes, offset + done);

		if (err)
			return err;
		*ret = ls_crc32c_update(*ret, buffer, bytes);
		done += bytes;
	}
	return 0;
}

/* What was synced is read from the device again, the rest from where it is. */
static int verify(struct writing *writing)
{
	LS_FREE uint8_t *buffer = malloc(READ_BYTES);
	int64_t start_ns = ls_clock_now();

	if (!buffer)
		return fail(writing, -ENOMEM, "reserve buffer", -1);
	if (writing->options.sync != SYNC_NONE)
		(void)posix_fadvise(writing->plain, 0, 0, POSIX_FADV_DONTNEED);
	for (uint64_t i = 0; i < writing->writes; i++) {
		uint64_t offset = writing->start + i * writing->options.size;
		uint32_t found, expected = ls_crc32c_update(0, piece_of(writing, i),
							    writing->options.size);
		int err = read_crc(writing, buffer, offset, &found);

		if (err)
			return fail(writing, err, "read back", (int64_t)offset);
		if (found != expected)
			return fail(writing, -EBADMSG, "verify written", (int64_t)offset);
	}
	ls_value_add(writing->result, "verified_bytes",
		     (int64_t)(writing->writes * writing->options.size));
	ls_value_add(writing->result, "verify_ns", ls_clock_now() - start_ns);
	return 0;
}

static int measure(struct writing *writing, const struct ls_job *job)
{
	struct ls_region region;
	struct marks marks = { 0 };
	int err;

	writing->write_latency = ls_histogram_take(writing->result, "write");
	if (writing->options.sync != SYNC_NONE)
		writing->sync_latency = ls_histogram_take(writing->result, "sync");
	ls_region_enter(&region, job, writing->result);
	err = write_file(writing, &marks);
	ls_region_leave(&region);
	ls_value_add(writing->result, "start_ns", marks.start_ns);
	if (err)
		return err;
	tell_times(writing, &marks);
	ls_region_tell(&region);
	tell_cache(writing);
	return verify(writing);
}

static int set_up(struct writing *writing)
{
	int64_t start_ns = ls_clock_now();
	int err = reserve_pool(writing);

	if (!err)
		err = make_file(writing);
	if (!err)
		err = open_file(writing);
	ls_value_add(writing->result, "set_up_ns", ls_clock_now() - start_ns);
	return err;
}

static void release(struct writing *writing)
{
	if (writing->file >= 0)
		close(writing->file);
	if (writing->plain >= 0)
		close(writing->plain);
	if (writing->has_made_file)
		unlink(writing->options.file);
	free(writing->pool);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct writing writing = { .result = ret, .plain = -1, .file = -1 };
	int err = ls_options_parse(specs, job, &writing.options, ret);

	if (!err)
		err = check_options(&writing);
	if (!err)
		err = set_up(&writing);
	if (!err)
		err = measure(&writing, job);
	release(&writing);
	return err;
}

const struct ls_operation ls_folio_write_operation = { "folio-write", specs, run };
