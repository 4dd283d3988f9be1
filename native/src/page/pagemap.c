/* SPDX-License-Identifier: Apache-2.0 */
#include "page/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "system/clock.h"
#include "system/file.h"

#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_FILE (UINT64_C(1) << 61)
#define ENTRY_GUARD (UINT64_C(1) << 58)
#define ENTRY_FRAME ((UINT64_C(1) << 55) - 1)

enum { ENTRIES = 4096, REGIONS = 512 };

/* struct page_region and struct pm_scan_arg, which headers before Linux 6.7 have not. */
struct region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN _IOWR('f', 16, struct scan)

enum category {
	IS_FILE = 1 << 2,
	IS_PRESENT = 1 << 3,
	IS_SWAPPED = 1 << 4,
	IS_ZERO_PAGE = 1 << 5,
	IS_GUARD = 1 << 8,
};

/* What one walk over an area is for. */
struct walk {
	const struct ls_area *area;
	uint32_t kind;
	struct ls_kind *counts;
	enum ls_pagemap_wanted wanted;
	struct ls_ranges *ranges;
};

/* What the zero page's frame is: of memory of our own that was only read. */
static int find_zero_frame(uint64_t page_bytes, uint64_t *ret)
{
	LS_CLOSE int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;
	volatile const char *page;
	int err;

	*ret = 0;
	if (fd < 0)
		return -errno;
	page = mmap(NULL, (size_t)page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	(void)*page;
	err = ls_file_read(fd, &entry, sizeof(entry), (uintptr_t)page / page_bytes * sizeof(entry));
	munmap((void *)(uintptr_t)page, (size_t)page_bytes);
	if (!err && entry & ENTRY_PRESENT)
		*ret = entry & ENTRY_FRAME;
	return err;
}

int ls_pagemap_open(int directory, uint64_t page_bytes, struct ls_pagemap *ret)
{
	*ret = (struct ls_pagemap){ .page_bytes = page_bytes, .knows_guards = 1 };
	ret->fd = openat(directory, "pagemap", O_RDONLY | O_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	return 0;
}

void ls_pagemap_close(struct ls_pagemap *pagemap)
{
	if (pagemap->fd >= 0)
		close(pagemap->fd);
}

static int add_run(const struct walk *walk, uint64_t start, uint64_t pages)
{
	walk->counts->pages += pages;
	return ls_ranges_add(walk->ranges, &(struct ls_range){
		.start = start, .pages = pages, .kind = walk->kind, .source = LS_SOURCE_MEMORY,
	});
}

/* A guard page's entry is that of a swapped one to kernels that have no other word for it. */
static void count_swapped(const struct walk *walk, uint64_t pages)
{
	if (walk->wanted == LS_PAGEMAP_ANONYMOUS && walk->area->swapped_bytes)
		walk->counts->swapped += pages;
}

static int take_regions(const struct ls_pagemap *pagemap, const struct walk *walk,
			const struct region *regions, int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t pages = (regions[i].end - regions[i].start) / pagemap->page_bytes;
		int err = 0;

		if (regions[i].categories & IS_PRESENT)
			err = add_run(walk, regions[i].start, pages);
		else if (!(regions[i].categories & IS_GUARD))
			count_swapped(walk, pages);
		if (err)
			return err;
	}
	return 0;
}

static int scan_once(struct ls_pagemap *pagemap, struct scan *scan)
{
	int got;

	scan->return_mask = IS_PRESENT | IS_SWAPPED;
	if (pagemap->knows_guards)
		scan->return_mask |= IS_GUARD;
	got = ioctl(pagemap->fd, SCAN, scan);
	if (got >= 0 || errno != EINVAL || !pagemap->knows_guards)
		return got < 0 ? -errno : got;
	pagemap->knows_guards = 0;
	return scan_once(pagemap, scan);
}

static int find_by_scan(struct ls_pagemap *pagemap, const struct walk *walk)
{
	const int is_anonymous = walk->wanted == LS_PAGEMAP_ANONYMOUS;
	struct region regions[REGIONS];
	struct scan scan = {
		.size = sizeof(scan),
		.start = walk->area->start,
		.end = walk->area->end,
		.vec = (uintptr_t)regions,
		.vec_len = REGIONS,
		.category_inverted = is_anonymous ? IS_FILE | IS_ZERO_PAGE : 0,
		.category_mask = is_anonymous ? IS_FILE | IS_ZERO_PAGE : IS_FILE | IS_PRESENT,
		.category_anyof_mask = is_anonymous ? IS_PRESENT | IS_SWAPPED : 0,
	};

	while (scan.start < scan.end) {
		int got = scan_once(pagemap, &scan);
		int err = got < 0 ? got : take_regions(pagemap, walk, regions, got);

		if (err)
			return err;
		if (scan.walk_end <= scan.start)
			return 0;
		scan.start = scan.walk_end;
	}
	return 0;
}

static int is_wanted(const struct ls_pagemap *pagemap, const struct walk *walk, uint64_t entry)
{
	if (!(entry & ENTRY_PRESENT))
		return 0;
	if (walk->wanted == LS_PAGEMAP_FILE)
		return !!(entry & ENTRY_FILE);
	if (entry & ENTRY_FILE)
		return 0;
	return !pagemap->zero_frame || (entry & ENTRY_FRAME) != pagemap->zero_frame;
}

static int take_entries(const struct ls_pagemap *pagemap, const struct walk *walk,
			uint64_t address, const uint64_t *entries, uint64_t count)
{
	uint64_t run = 0;

	for (uint64_t i = 0; i <= count; i++) {
		int err;

		if (i < count && is_wanted(pagemap, walk, entries[i])) {
			run++;
			continue;
		}
		if (i < count && (entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED | ENTRY_GUARD)) ==
				 ENTRY_SWAPPED)
			count_swapped(walk, 1);
		err = run ? add_run(walk, address + (i - run) * pagemap->page_bytes, run) : 0;
		if (err)
			return err;
		run = 0;
	}
	return 0;
}

/* How many entries there are; fewer than asked for where the process's memory is gone. */
static int read_entries(const struct ls_pagemap *pagemap, uint64_t address, uint64_t *entries,
			uint64_t count, uint64_t *ret)
{
	ssize_t got;

	do
		got = pread(pagemap->fd, entries, (size_t)count * sizeof(*entries),
			    (off_t)(address / pagemap->page_bytes * sizeof(*entries)));
	while (got < 0 && errno == EINTR);
	*ret = got < 0 ? 0 : (uint64_t)got / sizeof(*entries);
	return got < 0 ? -errno : 0;
}

static int find_by_entries(const struct ls_pagemap *pagemap, const struct walk *walk)
{
	uint64_t entries[ENTRIES], at = walk->area->start, got;

	while (at < walk->area->end) {
		uint64_t left = (walk->area->end - at) / pagemap->page_bytes;
		int err = read_entries(pagemap, at, entries, ls_min(left, ENTRIES), &got);

		if (!err)
			err = take_entries(pagemap, walk, at, entries, got);
		if (err || !got)
			return err;
		at += got * pagemap->page_bytes;
		if (pagemap->deadline_ns && ls_clock_now() > pagemap->deadline_ns)
			return at < walk->area->end ? -ETIME : 0;
	}
	return 0;
}

static int is_no_scan(int err)
{
	return err == -ENOTTY || err == -EINVAL || err == -ENOSYS || err == -EOPNOTSUPP;
}

int ls_pagemap_find(struct ls_pagemap *pagemap, const struct ls_area *area,
		    enum ls_pagemap_wanted wanted, struct ls_kinds *kinds, struct ls_ranges *ret)
{
	const uint32_t kind = wanted == LS_PAGEMAP_FILE ? area->shared_kind : area->kind;
	const struct walk walk = {
		.area = area, .kind = kind, .counts = &kinds->all[kind], .wanted = wanted,
		.ranges = ret,
	};
	int err;

	if (!pagemap->scan_error) {
		err = find_by_scan(pagemap, &walk);
		if (!is_no_scan(err))
			return err;
		pagemap->scan_error = err;
		err = find_zero_frame(pagemap->page_bytes, &pagemap->zero_frame);
		if (err)
			return err;
	}
	return find_by_entries(pagemap, &walk);
}

int ls_pagemap_still_present(const struct ls_pagemap *pagemap, uint64_t address, uint64_t pages,
			     uint64_t *ret)
{
	uint64_t entries[ENTRIES], got;
	int err = read_entries(pagemap, address, entries, ls_min(pages, ENTRIES), &got);

	for (*ret = 0; !err && *ret < got; ++*ret)
		if (!(entries[*ret] & ENTRY_PRESENT))
			break;
	return err;
}

