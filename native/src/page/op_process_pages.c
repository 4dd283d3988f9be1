/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation process-pages: what compressed memory would make of a live process, which is only
 * read. Of its anonymous pages that are present, a random sample (or all) is read and compressed;
 * swapped ones are counted, as reading would swap them in. Nothing of a page leaves this function.
 *
 * The before of the job's first sample has a line for each kind of memory: "own" or "shared";
 * pages, swapped, seen, lost; then pages, bytes and ns of the same-filled ones, of each decile of
 * the compressed size, and of those at or beyond each threshold; then the kind's name. With a zram
 * device there is a last line, "zram", of the same form: the pages that it stored, none, seen, none,
 * then the same-filled ones, the deciles and the huge ones. The after has the shared objects that
 * were looked at, as the option known takes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "core/size.h"
#include "page/area.h"
#include "page/compressor.h"
#include "page/draw.h"
#include "page/kind.h"
#include "page/pagemap.h"
#include "page/process.h"
#include "page/range.h"
#include "page/reader.h"
#include "page/shared_memory.h"
#include "page/zram_sizes.h"
#include "system/clock.h"

enum { MOST_MS_MAX = 24 * 3600 * 1000, DRAWN_PAGES_MAX = 1 << 24 };

struct options {
	uint64_t pid;
	uint64_t start_ticks;	/* that the process must have; 0: any */
	uint64_t algorithm;
	uint64_t level;
	uint64_t most_pages;	/* 0: all, in the order of addresses */
	uint64_t most_ms;	/* 0: as long as it takes */
	uint64_t seed;
	const char *thresholds;	/* sizes in bytes, with a comma between any two */
	const char *known;
	const char *device;
};

static const struct ls_option_spec specs[] = {
	LS_NUMBER_OPTION("pid", struct options, pid, LS_REQUIRED),
	LS_NUMBER_OPTION("start-ticks", struct options, start_ticks, "0"),
	LS_CHOICE_OPTION("algorithm", struct options, algorithm, LS_CHOICES("lz4", "zstd"), "lz4"),
	LS_NUMBER_OPTION("level", struct options, level, "0"),
	LS_NUMBER_OPTION("most-pages", struct options, most_pages, "32768"),
	LS_NUMBER_OPTION("most-ms", struct options, most_ms, "2000"),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_TEXT_OPTION("thresholds", struct options, thresholds, ""),
	LS_TEXT_OPTION("known", struct options, known, ""),
	LS_TEXT_OPTION("device", struct options, device, ""),
	LS_OPTIONS_END,
};

/* What is open and allocated while a process is looked at. */
struct look {
	struct options options;
	char path[32];
	struct ls_result *result;
	uint64_t thresholds[LS_THRESHOLDS_MAX];
	uint32_t thresholds_count;
	size_t page_bytes;
	int directory;
	int memory;
	struct ls_process process;
	struct ls_kinds kinds;
	struct ls_areas areas;
	struct ls_pagemap pagemap;
	struct ls_shared_memory shared;
	struct ls_ranges ranges;
	struct ls_compressor compressor;
	struct ls_zram_sizes zram;
	uint64_t areas_left_out;
	int64_t read_ns;
};

static int fail(const struct look *look, int err, const char *step)
{
	return ls_result_fail(look->result, err, step, look->path, -1);
}

static int parse_thresholds(struct look *look)
{
	for (const char *at = look->options.thresholds; *at; at += strspn(at, ",")) {
		int length = 0;

		if (look->thresholds_count == LS_THRESHOLDS_MAX ||
		    sscanf(at, "%" SCNu64 "%n",
			   &look->thresholds[look->thresholds_count], &length) != 1)
			return ls_result_fail(look->result, -EINVAL, "option", "thresholds", -1);
		look->thresholds_count++;
		at += length;
	}
	return 0;
}

/* Who it is; on every error there is nothing of its memory to be looked at. */
static int identify(struct look *look)
{
	int err = ls_process_open(look->options.pid, &look->directory);

	if (err)
		return fail(look, err, "open process");
	err = ls_process_read(look->directory, &look->process);
	if (err)
		return fail(look, err, "read stat");
	if (look->process.is_kernel_thread)
		return fail(look, -ENODATA, "kernel thread");
	if (ls_process_has_ended(&look->process))
		return fail(look, -ESRCH, "ended process");
	if (look->options.start_ticks && look->options.start_ticks != look->process.start_ticks)
		return fail(look, -ESRCH, "another process");
	return 0;
}

static int open_all(struct look *look)
{
	int err = ls_areas_read(look->directory, &look->kinds, &look->areas);

	if (err)
		return fail(look, err, "read smaps");
	err = ls_pagemap_open(look->directory, look->page_bytes, &look->pagemap);
	if (err)
		return fail(look, err, "open pagemap");
	look->memory = openat(look->directory, "mem", O_RDONLY | O_CLOEXEC);
	return look->memory < 0 ? fail(look, -errno, "open memory") : 0;
}

static int find_in_area(struct look *look, const struct ls_area *area)
{
	int err = 0;

	if (area->anonymous_bytes || area->swapped_bytes)
		err = ls_pagemap_find(&look->pagemap, area, LS_PAGEMAP_ANONYMOUS, &look->kinds,
				      &look->ranges);
	if (!err && area->is_shared_memory)
		err = ls_shared_memory_find(&look->shared, look->directory, look->options.known,
					    area, &look->pagemap, &look->kinds, &look->ranges);
	return err;
}

static int find_pages(struct look *look)
{
	for (uint64_t i = 0; i < look->areas.count; i++) {
		int err = find_in_area(look, &look->areas.all[i]);

		if (err == -ETIME) {
			look->areas_left_out = look->areas.count - i;
			return 0;
		}
		if (err)
			return fail(look, err, "find pages");
	}
	return 0;
}

static int read_drawn(struct look *look, struct ls_reader *reader)
{
	struct ls_draw draw = { 0 };
	int err = ls_draw_init(&draw, &look->ranges, look->options.most_pages, look->page_bytes,
			       look->options.seed);

	reader->step = "draw pages";
	if (!err)
		err = ls_reader_read_drawn(reader, &draw);
	ls_draw_deinit(&draw);
	return err;
}

static int read_pages(struct look *look, int64_t deadline_ns)
{
	LS_FREE char *buffer = NULL;
	struct ls_reader reader = {
		.memory = look->memory, .page_bytes = look->page_bytes,
		.pagemap = &look->pagemap, .shared = &look->shared, .kinds = &look->kinds,
		.compressor = &look->compressor, .zram = &look->zram,
		.thresholds = look->thresholds, .thresholds_count = look->thresholds_count,
		.deadline_ns = deadline_ns,
	};
	int err = ls_compressor_init(&look->compressor,
				     (enum ls_compressor_algorithm)look->options.algorithm,
				     look->options.level, look->page_bytes);

	if (err == -ERANGE)
		return ls_option_refuse(look->result, "level", look->options.level);
	if (err || posix_memalign((void **)&buffer, look->page_bytes,
				  LS_READER_PAGES * look->page_bytes))
		return fail(look, -ENOMEM, "reserve memory");
	reader.buffer = buffer;
	err = look->options.most_pages ? read_drawn(look, &reader)
				       : ls_reader_read_all(&reader, &look->ranges);
	look->read_ns = reader.read_ns;
	return err ? fail(look, err, reader.step) : 0;
}

/* What was counted of a process that has ended meanwhile is of half a process. */
static int identify_again(struct look *look)
{
	struct ls_process now;
	int err = ls_process_read(look->directory, &now);

	if (err)
		return fail(look, err, "ended meanwhile");
	return ls_process_has_ended(&now) ? fail(look, -ESRCH, "ended meanwhile") : 0;
}

static size_t print_count(char *text, size_t room, const struct ls_page_count *count)
{
	return (size_t)snprintf(text, room, " %" PRIu64 " %" PRIu64 " %" PRIu64, count->pages,
				count->bytes, count->ns);
}

static size_t print_counts(char *text, size_t room, const struct ls_page_count *counts,
			   uint32_t count)
{
	size_t length = 0;

	for (uint32_t i = 0; i < count && length < room; i++)
		length += print_count(text + length, room - length, &counts[i]);
	return length;
}

/* 0 where the line does not fit. */
static size_t print_kind(char *text, size_t room, const char *word, const struct ls_kind *kind,
			 uint32_t thresholds)
{
	size_t length = (size_t)snprintf(text, room, "%s %" PRIu64 " %" PRIu64 " %" PRIu64
					 " %" PRIu64, word, kind->pages, kind->swapped,
					 kind->seen, kind->lost);

	if (length < room)
		length += print_count(text + length, room - length, &kind->same);
	if (length < room)
		length += print_counts(text + length, room - length, kind->deciles, LS_DECILES);
	if (length < room)
		length += print_counts(text + length, room - length, kind->from, thresholds);
	if (length < room)
		length += (size_t)snprintf(text + length, room - length, " %s\n", kind->name);
	return length < room ? length : 0;
}

static void describe_zram(const struct ls_zram_sizes *zram, struct ls_kind *ret)
{
	*ret = (struct ls_kind){ .name = "zram", .same = zram->same };
	memcpy(ret->deciles, zram->deciles, sizeof(ret->deciles));
	ret->from[0] = zram->huge;
	ret->seen = zram->same.pages;
	for (int i = 0; i < LS_DECILES; i++)
		ret->seen += zram->deciles[i].pages;
	ret->pages = ret->seen - zram->same.pages;
}

static int tell_kinds(struct look *look, char *text)
{
	size_t length = 0, added = 1;

	ls_kinds_sort(&look->kinds);
	for (uint32_t i = 0; added && i < look->kinds.count; i++) {
		const struct ls_kind *kind = &look->kinds.all[i];

		added = print_kind(text + length, LS_SAMPLE_BYTES - length,
				   kind->is_shared ? "shared" : "own", kind,
				   look->thresholds_count);
		length += added;
	}
	if (added && look->zram.fd >= 0) {
		struct ls_kind kind;

		describe_zram(&look->zram, &kind);
		added = print_kind(text + length, LS_SAMPLE_BYTES - length, "zram", &kind, 1);
	}
	return added ? 0 : fail(look, -ENOBUFS, "answer");
}

static void tell_values(const struct look *look)
{
	struct ls_result *result = look->result;

	ls_value_add(result, "page_bytes", (int64_t)look->page_bytes);
	ls_value_add(result, "start_ticks", (int64_t)look->process.start_ticks);
	ls_value_add(result, "anonymous_bytes", (int64_t)look->areas.anonymous_bytes);
	ls_value_add(result, "swapped_bytes", (int64_t)look->areas.swapped_bytes);
	ls_value_add(result, "hugetlb_bytes", (int64_t)look->areas.huge_bytes);
	ls_value_add(result, "areas_left_out", (int64_t)look->areas_left_out);
	ls_value_add(result, "shared_left_out", look->shared.left_out);
	/* 0, or -errno where the kernel has no such call, and pagemap was read. */
	ls_value_add(result, "pagemap_scan", look->pagemap.scan_error);
	ls_value_add(result, "knows_zero_page",
		     !look->pagemap.scan_error || look->pagemap.zero_frame);
	ls_value_add(result, "read_ns", look->read_ns);
	if (look->zram.fd < 0)
		return;
	ls_value_add(result, "zram_equal_pages", (int64_t)look->zram.equal_pages);
	ls_value_add(result, "zram_most_stored_bytes", (int64_t)look->zram.most_stored_bytes);
	ls_value_add(result, "zram_least_huge_bytes", (int64_t)look->zram.least_huge_bytes);
}

static int look_at(struct look *look)
{
	const int64_t start_ns = ls_clock_now();
	const int64_t deadline_ns =
		look->options.most_ms ? start_ns + (int64_t)look->options.most_ms * 1000000 : 0;
	const char *step = "open zram";
	int err = identify(look);

	if (err)
		return err;
	err = ls_kinds_init(&look->kinds);
	if (err)
		return fail(look, err, "reserve memory");
	err = ls_zram_sizes_open(&look->zram, look->options.device, look->page_bytes, &step);
	if (err)
		return ls_result_fail(look->result, err, step, look->options.device, -1);
	err = open_all(look);
	if (err)
		return err;
	look->pagemap.deadline_ns = deadline_ns;
	err = find_pages(look);
	if (!err)
		err = read_pages(look, deadline_ns);
	if (!err)
		err = identify_again(look);
	if (!err) {
		ls_value_add(look->result, ls_value_start_ns, start_ns);
		ls_value_add(look->result, ls_value_elapsed_ns, ls_clock_now() - start_ns);
		tell_values(look);
	}
	return err;
}

static void release(struct look *look)
{
	ls_zram_sizes_close(&look->zram);
	ls_compressor_deinit(&look->compressor);
	ls_ranges_deinit(&look->ranges);
	ls_shared_memory_deinit(&look->shared);
	ls_pagemap_close(&look->pagemap);
	ls_areas_deinit(&look->areas);
	ls_kinds_deinit(&look->kinds);
	if (look->memory >= 0)
		close(look->memory);
	if (look->directory >= 0)
		close(look->directory);
}

static int check(struct look *look, const struct ls_job *job)
{
	int err = ls_options_parse(specs, job, &look->options, look->result);

	if (!err)
		err = ls_option_check_range(look->result, "pid", look->options.pid, 1, INT32_MAX);
	if (!err)
		err = ls_option_check_range(look->result, "most-ms", look->options.most_ms, 0,
					    MOST_MS_MAX);
	if (!err)
		err = ls_option_check_range(look->result, "most-pages", look->options.most_pages,
					    0, DRAWN_PAGES_MAX);
	if (!err)
		err = parse_thresholds(look);
	if (err)
		return err;
	snprintf(look->path, sizeof(look->path), "/proc/%" PRIu64, look->options.pid);
	if (!job->samples_count)
		return ls_result_fail(look->result, -ENODATA, "sample for the text", look->path, -1);
	return 0;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct look look = {
		.result = ret, .directory = -1, .memory = -1, .pagemap.fd = -1,
		.zram = { .fd = -1, .mm_stat = -1 },
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
	};
	int err = check(&look, job);

	if (!err)
		err = look_at(&look);
	if (!err)
		err = tell_kinds(&look, ret->before);
	if (!err && ls_shared_memory_tell(&look.shared, ret->after, LS_SAMPLE_BYTES))
		err = ls_result_fail(ret, -ENOBUFS, "answer", look.path, -1);
	if (err && job->samples_count)
		ret->before[0] = '\0';
	release(&look);
	return err;
}

const struct ls_operation ls_process_pages_operation = { "process-pages", specs, run };
