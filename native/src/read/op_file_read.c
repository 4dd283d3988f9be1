/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation file-read: reads a part of a file of which nothing is in the page cache, through it
 * or, by io=direct, around it: by pread one block after the other or blocks anywhere in it, or by touching the pages of a
 * mapping of it. No block is read twice. What was read is compared with the file's checksums
 * afterwards, where there are some; what folios the reads left in the page cache is told. With trace-calls it is read cold once more, not timed, while
 * the calls of a kernel function are traced; with available most memory is held meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "core/size.h"
#include "system/block_checksum.h"
#include "system/cache.h"
#include "system/call_trace.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/folio.h"
#include "system/pressure.h"
#include "system/region.h"

enum {
	ALIGN_BYTES = 1 << 16,
	BLOCK_LEAST = 512,
	BLOCK_MOST = 1 << 26,
	READS_MOST = 1 << 26,
	VERIFIED_MOST = 16,	/* blocks of checksums */
	SLOW_CALL_NS = 4096,
};

enum pattern { SEQUENTIAL, RANDOM, MMAP };
enum io { BUFFERED, DIRECT };

struct options {
	const char *file;
	const char *checksums;	/* as operation checksum writes them; empty: none */
	uint64_t pattern;
	uint64_t io;
	uint64_t block;
	uint64_t total;		/* bytes */
	uint64_t seed;
	uint64_t available;	/* bytes of memory that are left; 0: none is held */
	const char *trace_calls;	/* as ls_call_trace_open takes them; empty: none */
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_TEXT_OPTION("checksums", struct options, checksums, ""),
	LS_CHOICE_OPTION("pattern", struct options, pattern,
			 LS_CHOICES("sequential", "random", "mmap"), "sequential"),
	LS_CHOICE_OPTION("io", struct options, io, LS_CHOICES("buffered", "direct"), "buffered"),
	LS_NUMBER_OPTION("block", struct options, block, "131072"),
	LS_NUMBER_OPTION("total", struct options, total, LS_REQUIRED),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_NUMBER_OPTION("available", struct options, available, "0"),
	LS_TEXT_OPTION("trace-calls", struct options, trace_calls, ""),
	LS_OPTIONS_END,
};

struct reading {
	struct options options;
	struct ls_result *result;
	int fd;
	int direct_fd;		/* the same with O_DIRECT; -1 but for io=direct */
	uint64_t file_bytes;
	uint64_t page_bytes;
	uint64_t count;		/* of reads */
	uint64_t *offsets;	/* of each */
	uint8_t *block;
	const uint8_t *map;	/* NULL but for pattern mmap */
	struct ls_pressure pressure;
	struct ls_call_trace trace;
};

static int fail(const struct reading *reading, int code, const char *step, int64_t offset)
{
	return ls_result_fail(reading->result, code, step, reading->options.file, offset);
}

static int check_options(struct reading *reading)
{
	const struct options *options = &reading->options;
	int err = ls_option_check_range(reading->result, "block", options->block, BLOCK_LEAST,
					BLOCK_MOST);

	if (err)
		return err;
	reading->count = options->total / options->block;
	if (!reading->count || reading->count > READS_MOST)
		return ls_option_refuse(reading->result, "total", options->total);
	/* A mapping has no other way than through the page cache. */
	if (options->pattern == MMAP && options->io == DIRECT)
		return ls_option_refuse(reading->result, "io", options->io);
	return 0;
}

static int open_direct(struct reading *reading)
{
	uint32_t align_bytes = 0;
	int err;

	reading->direct_fd = open(reading->options.file, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (reading->direct_fd < 0)
		return fail(reading, -errno, "open O_DIRECT", -1);
	err = ls_file_direct_alignment(reading->direct_fd, &align_bytes);
	if (err)
		return fail(reading, err, "direct alignment", -1);
	if (reading->options.block % align_bytes)
		return fail(reading, -EINVAL, "direct alignment", align_bytes);
	return 0;
}

static int open_file(struct reading *reading)
{
	const struct options *options = &reading->options;
	struct stat stat;
	int err = ls_file_stat(options->file, &stat);

	if (err)
		return fail(reading, err, "open", -1);
	reading->fd = open(options->file, O_RDONLY | O_CLOEXEC);
	if (reading->fd < 0 || fstat(reading->fd, &stat))
		return fail(reading, -errno, "open", -1);
	reading->file_bytes = (uint64_t)stat.st_size;
	if (reading->count * options->block > reading->file_bytes)
		return fail(reading, -ENODATA, "total of the file", stat.st_size);
	ls_file_report(&stat, reading->result);
	return options->io == DIRECT ? open_direct(reading) : 0;
}

/* Blocks anywhere, each at most once. */
static int draw_offsets(const struct reading *reading)
{
	const uint64_t block = reading->options.block, blocks = reading->file_bytes / block;
	LS_FREE uint8_t *is_taken = calloc(ls_size(blocks), 1);
	struct ls_random random;

	if (!is_taken)
		return -ENOMEM;
	ls_random_init(&random, reading->options.seed);
	for (uint64_t i = 0; i < reading->count;) {
		uint64_t drawn = ls_random_next(&random) % blocks;

		if (is_taken[drawn])
			continue;
		is_taken[drawn] = 1;
		reading->offsets[i++] = drawn * block;
	}
	return 0;
}

static int choose_offsets(struct reading *reading)
{
	int err = 0;

	reading->offsets = malloc(ls_size(reading->count * sizeof(*reading->offsets)));
	if (!reading->offsets)
		return fail(reading, -ENOMEM, "reserve offsets", -1);
	for (uint64_t i = 0; i < reading->count; i++)
		reading->offsets[i] = i * reading->options.block;
	if (reading->options.pattern != SEQUENTIAL)
		err = draw_offsets(reading);
	return err ? fail(reading, err, "reserve offsets", -1) : 0;
}

static int reserve_block(struct reading *reading)
{
	/* It is not larger than BLOCK_MOST. */
	size_t bytes = (size_t)ls_round_up(reading->options.block, ALIGN_BYTES);

	reading->block = aligned_alloc(ALIGN_BYTES, bytes);
	if (!reading->block)
		return fail(reading, -ENOMEM, "reserve block", -1);
	/* No fault of it in the timed region. */
	for (size_t at = 0; at < bytes; at += BLOCK_LEAST)
		((volatile uint8_t *)reading->block)[at] = 0;
	return 0;
}

static int map_file(struct reading *reading)
{
	void *map;

	if (reading->options.pattern != MMAP)
		return 0;
	map = mmap(NULL, ls_size(reading->file_bytes), PROT_READ, MAP_SHARED, reading->fd, 0);
	if (map == MAP_FAILED)
		return fail(reading, -errno, "mmap", -1);
	reading->map = map;
	return 0;
}

static void unmap_file(struct reading *reading)
{
	if (reading->map)
		munmap((void *)reading->map, ls_size(reading->file_bytes));
	reading->map = NULL;
}

/* Before memory is held, of which the rings take some. */
static int open_trace(struct reading *reading)
{
	const char *functions = reading->options.trace_calls;
	int err = *functions ? ls_call_trace_open(&reading->trace, functions) : 0;

	return err ? ls_result_fail(reading->result, err, "trace calls", functions, -1) : 0;
}

static int drop_file(const struct reading *reading)
{
	int has_dropped, err = ls_cache_drop(reading->fd, reading->file_bytes, &has_dropped);

	return err ? fail(reading, err, "set cache state", -1) : 0;
}

/*
 * Where memory is short the program's own pages go first, and would be read from its disk amid
 * the reads. What is mapped later, such as the file, is not locked.
 */
static int hold_memory(struct reading *reading)
{
	int64_t start_ns = ls_clock_now();
	int err;

	if (!reading->options.available)
		return 0;
	if (mlockall(MCL_CURRENT))
		return ls_result_fail(reading->result, -errno, "lock memory", "memory", -1);
	/* What is cached counts as available, and is not as hard to get as what is held. */
	err = drop_file(reading);
	if (err)
		return err;
	err = ls_pressure_lock_all_but(&reading->pressure, reading->options.available,
				       reading->result);
	ls_value_add(reading->result, ls_value_set_up_ns, ls_clock_now() - start_ns);
	return err;
}

static int drop(const struct reading *reading)
{
	int64_t start_ns = ls_clock_now(), resident = -1;
	int err = drop_file(reading);

	if (err)
		return err;
	err = ls_cache_resident(reading->fd, reading->file_bytes, &resident);
	ls_value_add(reading->result, "cached_before_bytes", err ? err : resident);
	ls_value_add(reading->result, ls_value_set_cache_ns, ls_clock_now() - start_ns);
	return 0;
}

static int read_block(const struct reading *reading, uint64_t offset)
{
	const volatile uint8_t *bytes = reading->map;
	const int fd = reading->direct_fd < 0 ? reading->fd : reading->direct_fd;

	if (!bytes)
		return ls_file_read(fd, reading->block, reading->options.block, offset);
	for (uint64_t at = 0; at < reading->options.block; at += reading->page_bytes)
		(void)bytes[offset + at];
	return 0;
}

/* Where in a block that cannot be read the first page is that cannot; its start if all can. */
static int64_t locate(const struct reading *reading, uint64_t offset)
{
	uint64_t end = offset + reading->options.block;

	for (uint64_t at = offset; at < end; at += reading->page_bytes)
		if (ls_file_read(reading->fd, reading->block,
				 ls_min(reading->page_bytes, end - at), at))
			return (int64_t)at;
	return (int64_t)offset;
}

/* The timed region, but for the clock. */
static int read_all(const struct reading *reading, struct ls_histogram *latency, int64_t since_ns)
{
	for (uint64_t i = 0; i < reading->count; i++) {
		int err = read_block(reading, reading->offsets[i]);
		int64_t now_ns = ls_clock_now();

		if (err)
			return fail(reading, err, "read",
				    locate(reading, reading->offsets[i]));
		ls_histogram_record(latency, (uint64_t)(now_ns - since_ns));
		since_ns = now_ns;
	}
	return 0;
}

static void report_folios(const struct reading *reading)
{
	struct ls_folio_survey survey;

	if (ls_folio_survey(reading->fd, reading->file_bytes, &survey))
		ls_folio_report_unknown(reading->result);
	else
		ls_folio_report(&survey, reading->result);
}

static int measure(struct reading *reading, const struct ls_job *job)
{
	struct ls_histogram *latency = ls_histogram_take(reading->result, "read");
	struct ls_region region;
	int64_t start_ns, end_ns, resident = -1;
	int err;

	ls_region_enter(&region, job, reading->result);
	ls_pressure_enter(&reading->pressure);
	start_ns = ls_clock_now();
	err = read_all(reading, latency, start_ns);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	ls_pressure_leave(&reading->pressure, reading->result);
	if (err)
		return err;
	ls_span_add(reading->result, "read", 0, start_ns, end_ns);
	ls_value_add(reading->result, ls_value_elapsed_ns, end_ns - start_ns);
	ls_value_add(reading->result, "reads", (int64_t)reading->count);
	ls_value_add(reading->result, "bytes",
		     (int64_t)(reading->count * reading->options.block));
	ls_region_report(&region);
	err = ls_cache_resident(reading->fd, reading->file_bytes, &resident);
	ls_value_add(reading->result, "cached_after_bytes", err ? err : resident);
	report_folios(reading);
	ls_value_add(reading->result, "page_bytes", (int64_t)reading->page_bytes);
	return 0;
}

static int trace_reads(struct reading *reading, struct ls_histogram *calls)
{
	int err = ls_call_trace_start(&reading->trace);

	if (err)
		return ls_result_fail(reading->result, err, "trace calls",
				      reading->options.trace_calls, -1);
	for (uint64_t i = 0; !err && i < reading->count; i++) {
		err = read_block(reading, reading->offsets[i]);
		if (err)
			fail(reading, err, "read", locate(reading, reading->offsets[i]));
		ls_call_trace_drain(&reading->trace, calls);
	}
	ls_call_trace_stop(&reading->trace);
	ls_call_trace_drain(&reading->trace, calls);
	return err;
}

static void report_calls(const struct reading *reading, const struct ls_histogram *calls)
{
	const uint32_t slow = ls_histogram_bucket(SLOW_CALL_NS);
	uint64_t slow_count = 0, slow_ns = 0;

	for (uint32_t bucket = slow; bucket < LS_HISTOGRAM_BUCKETS; bucket++) {
		slow_count += calls->buckets[bucket];
		slow_ns += calls->buckets[bucket] * ls_histogram_bucket_start(bucket);
	}
	ls_value_add(reading->result, "traced_calls", (int64_t)calls->count);
	ls_value_add(reading->result, "traced_calls_ns", (int64_t)calls->sum_ns);
	ls_value_add(reading->result, "traced_slow_calls", (int64_t)slow_count);
	ls_value_add(reading->result, "traced_slow_calls_ns", (int64_t)slow_ns);
	ls_value_add(reading->result, "traced_missed",
		     (int64_t)(reading->trace.missed + reading->trace.open_count));
}

/* The same reads once more, as cold and with as little memory, not timed. */
static int trace(struct reading *reading)
{
	int64_t start_ns = ls_clock_now();
	struct ls_histogram *calls;
	int err;

	if (!*reading->options.trace_calls)
		return 0;
	/* What is mapped is not dropped. */
	unmap_file(reading);
	err = drop_file(reading);
	if (!err && reading->options.available)
		err = ls_pressure_lock_all_but(&reading->pressure, reading->options.available,
					       reading->result);
	if (!err)
		err = map_file(reading);
	if (err)
		return err;
	calls = ls_histogram_take(reading->result, "traced_call");
	err = trace_reads(reading, calls);
	report_calls(reading, calls);
	ls_value_add(reading->result, ls_value_trace_ns, ls_clock_now() - start_ns);
	return err;
}

/* Compares one block of the checksums, which data has room for. */
static int verify_block(const struct reading *reading, const struct ls_checksums *sums,
			uint64_t number, uint8_t *data, int64_t *verified)
{
	uint64_t start = number * LS_CHECKSUM_BLOCK_BYTES;
	uint64_t bytes = ls_min(reading->file_bytes - start, LS_CHECKSUM_BLOCK_BYTES);
	int err = ls_file_read(reading->fd, data, bytes, start);

	if (err)
		return fail(reading, err, "read back", (int64_t)start);
	if (ls_crc32c_update(0, data, bytes) != sums->crcs[number])
		return fail(reading, -EBADMSG, "verify", (int64_t)start);
	*verified += (int64_t)bytes;
	return 0;
}

/* Some of the blocks that were read from, evenly spread among the reads. */
static int verify(const struct reading *reading)
{
	const char *path = reading->options.checksums;
	LS_FREE uint8_t *data = *path ? malloc(LS_CHECKSUM_BLOCK_BYTES) : NULL;
	const uint64_t step = (reading->count + VERIFIED_MOST - 1) / VERIFIED_MOST;
	struct ls_checksums sums = { 0 };
	int64_t verified = 0, start_ns = ls_clock_now();
	uint64_t last = UINT64_MAX;
	int err = 0;

	if (*path)
		err = data ? ls_checksums_read(path, reading->file_bytes, &sums) : -ENOMEM;
	if (err)
		ls_result_fail(reading->result, err, "read checksums", path, -1);
	for (uint64_t i = 0; !err && data && i < reading->count; i += step) {
		uint64_t number = reading->offsets[i] / LS_CHECKSUM_BLOCK_BYTES;

		if (number != last)
			err = verify_block(reading, &sums, number, data, &verified);
		last = number;
	}
	ls_checksums_deinit(&sums);
	ls_value_add(reading->result, "verified_bytes", verified);
	ls_value_add(reading->result, ls_value_verify_ns, ls_clock_now() - start_ns);
	return err;
}

static void release(struct reading *reading)
{
	unmap_file(reading);
	ls_call_trace_close(&reading->trace);
	ls_pressure_end(&reading->pressure);
	if (reading->fd >= 0)
		close(reading->fd);
	if (reading->direct_fd >= 0)
		close(reading->direct_fd);
	free(reading->offsets);
	free(reading->block);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct reading reading = { .result = ret, .fd = -1, .direct_fd = -1 };
	int err = ls_options_parse(specs, job, &reading.options, ret);

	reading.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!err)
		err = check_options(&reading);
	if (!err)
		err = open_file(&reading);
	if (!err)
		err = choose_offsets(&reading);
	if (!err)
		err = reserve_block(&reading);
	if (!err)
		err = open_trace(&reading);
	if (!err)
		err = hold_memory(&reading);
	if (!err)
		err = map_file(&reading);
	if (!err)
		err = drop(&reading);
	if (!err)
		err = measure(&reading, job);
	if (!err)
		err = trace(&reading);
	ls_pressure_end(&reading.pressure);
	if (!err)
		err = verify(&reading);
	release(&reading);
	return err;
}

const struct ls_operation ls_file_read_operation = { "file-read", specs, run };
