/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation page-classes, path swap: pages of a mapping go out by MADV_PAGEOUT, and come back
 * when they are touched. Which of them went is told by /proc/self/pagemap.
 *
 * Source: Documentation/admin-guide/mm/pagemap.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/size.h"
#include "page/page_classes.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/smaps.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define IS_SWAPPED (UINT64_C(1) << 62)

struct swap_path {
	struct ls_pages *pages;
	int pagemap;
	uint8_t *mapping;
	uint64_t *entries;	/* of the pagemap, for each page */
};

static int fail(const struct swap_path *path, int code, const char *step)
{
	return ls_result_fail(path->pages->result, code, step, "memory", -1);
}

static int fill_mapping(const struct swap_path *path)
{
	const struct ls_pages *pages = path->pages;
	int advice = pages->options.thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

	if (madvise(path->mapping, ls_size(ls_pages_bytes(pages)), advice) &&
	    (pages->options.thp || errno != EINVAL))
		return fail(path, -errno, pages->options.thp ? "MADV_HUGEPAGE" : "MADV_NOHUGEPAGE");
	memcpy(path->mapping, pages->payload, ls_size(ls_pages_bytes(pages)));
	return 0;
}

static int is_within(const void *context, uint64_t from, uint64_t to)
{
	const struct swap_path *path = context;
	uint64_t start = (uintptr_t)path->mapping;

	return from < start + ls_pages_bytes(path->pages) && to > start;
}

static void report_huge(const struct swap_path *path)
{
	struct ls_smaps smaps;

	ls_smaps_sum(is_within, path, &smaps);
	ls_value_add(path->pages->result, "huge_page_bytes",
		     smaps.error ? smaps.error : (int64_t)smaps.huge_bytes);
}

static int page_out(const struct swap_path *path)
{
	struct ls_pages *pages = path->pages;
	const uint64_t unit_bytes = pages->unit_pages * pages->page_bytes;
	struct ls_mm_stat before, after;
	int err = ls_pages_read_stat(pages, &before);

	for (uint64_t i = 0; !err && i < pages->count / pages->unit_pages; i++) {
		int64_t start_ns = ls_clock_now();

		if (madvise(path->mapping + i * unit_bytes, ls_size(unit_bytes), MADV_PAGEOUT))
			return fail(path, -errno, "MADV_PAGEOUT");
		pages->units[i].out_ns = ls_clock_now() - start_ns;
		err = ls_pages_read_stat(pages, &after);
		if (err)
			break;
		pages->units[i].stored = ls_mm_stat_difference(&before, &after);
		before = after;
	}
	return err;
}

static int find_swapped(const struct swap_path *path)
{
	const struct ls_pages *pages = path->pages;
	uint64_t bytes = pages->count * sizeof(*path->entries);
	uint64_t offset = (uintptr_t)path->mapping / pages->page_bytes * sizeof(*path->entries);
	int err = ls_file_read(path->pagemap, path->entries, bytes, offset);
	uint64_t swapped = 0;

	if (err)
		return ls_result_fail(pages->result, err, "read pagemap", "/proc/self/pagemap", -1);
	for (uint64_t i = 0; i < pages->count; i++)
		swapped += (path->entries[i] & IS_SWAPPED) != 0;
	return swapped ? 0 : fail(path, -EAGAIN, "swap out pages");
}

static void touch_pages(const struct swap_path *path)
{
	struct ls_pages *pages = path->pages;

	for (uint64_t i = 0; i < pages->count; i++) {
		int64_t start_ns = ls_clock_now();

		(void)*(const volatile uint8_t *)(path->mapping + i * pages->page_bytes);
		pages->in_ns[i] = path->entries[i] & IS_SWAPPED ? ls_clock_now() - start_ns : -1;
	}
}

static int swap(const struct swap_path *path, const struct ls_job *job)
{
	struct ls_result *result = path->pages->result;
	int64_t start_ns, out_ns, touched_ns, end_ns;
	struct ls_region region;
	int err;

	ls_region_enter(&region, job, result);
	start_ns = ls_clock_now();
	err = page_out(path);
	out_ns = ls_clock_now();
	if (!err)
		err = find_swapped(path);
	touched_ns = ls_clock_now();
	if (!err)
		touch_pages(path);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	ls_span_add(result, "compress", 0, start_ns, out_ns);
	ls_span_add(result, "decompress", 0, touched_ns, end_ns);
	ls_value_add(result, ls_value_elapsed_ns, end_ns - start_ns);
	ls_region_report(&region);
	return 0;
}

static int measure(const struct swap_path *path, const struct ls_job *job)
{
	int err = fill_mapping(path);

	if (err)
		return err;
	report_huge(path);
	err = swap(path, job);
	if (!err)
		err = ls_pages_report(path->pages);
	return err ? err : ls_pages_verify(path->pages, path->mapping);
}

/* The mapping begins at a multiple of the unit, so that a huge page can lie there. */
static int measure_mapped(struct swap_path *path, const struct ls_job *job)
{
	const struct ls_pages *pages = path->pages;
	const uint64_t unit_bytes = pages->unit_pages * pages->page_bytes;
	size_t bytes = ls_size(ls_pages_bytes(pages) + unit_bytes);
	uint8_t *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
	uintptr_t start = (uintptr_t)mapped;
	int err;

	if (mapped == MAP_FAILED)
		return fail(path, -errno, "reserve pages");
	path->mapping = mapped + (ls_round_up(start, unit_bytes) - start);
	err = measure(path, job);
	munmap(mapped, bytes);
	return err;
}

int ls_pages_measure_swap(struct ls_pages *pages, const struct ls_job *job)
{
	LS_FREE uint64_t *entries = calloc(ls_size(pages->count), sizeof(*entries));
	LS_CLOSE int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct swap_path path = { pages, pagemap, NULL, entries };

	if (pagemap < 0)
		return ls_result_fail(pages->result, -errno, "open", "/proc/self/pagemap", -1);
	return entries ? measure_mapped(&path, job) : fail(&path, -ENOMEM, "reserve pages");
}
