/* SPDX-License-Identifier: Apache-2.0 */
#include "system/folio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/record.h"
#include "core/size.h"
#include "system/file.h"

enum {
	/* A folio lies at a multiple of its size, so none crosses a window's border. */
	WINDOW_BYTES = 64 << 20,
	FLAG_DIRTY = 4,
	FLAG_WRITEBACK = 8,
	FLAG_COMPOUND_TAIL = 16,
	PAGEMAP_PRESENT = 63,
};

#define PAGEMAP_FRAME_MASK ((UINT64_C(1) << 55) - 1)
#define ABSENT UINT64_MAX

struct view {
	int file;
	int pagemap;
	int flags;
	uint64_t page_bytes;
	unsigned char *resident;	/* each of a window's pages */
	uint64_t *frames;		/* likewise; ABSENT where there is none */
	uint64_t *frame_flags;
};

/* The pages of one folio that have been counted so far. */
struct run {
	uint64_t pages;
	uint64_t last_frame;
	uint64_t head_flags;
};

static uint64_t bit(uint64_t word, int number)
{
	return (word >> number) & 1;
}

static uint32_t order_of(uint64_t pages)
{
	uint32_t order = 0;

	/* A folio may reach past the file's end: it is as large as the next power of two. */
	while ((UINT64_C(1) << order) < pages)
		order++;
	return order;
}

static void count(const struct view *view, struct run *run, struct ls_folio_survey *ret)
{
	uint64_t bytes = run->pages * view->page_bytes;
	uint32_t order = order_of(run->pages);

	if (!run->pages)
		return;
	ret->folios++;
	ret->bytes += bytes;
	ret->order_bytes[order < LS_FOLIO_ORDERS ? order : LS_FOLIO_ORDERS - 1] += bytes;
	if (bit(run->head_flags, FLAG_DIRTY) || bit(run->head_flags, FLAG_WRITEBACK))
		ret->dirty_bytes += bytes;
	run->pages = 0;
}

static void count_window(const struct view *view, uint64_t pages, struct ls_folio_survey *ret)
{
	struct run run = { 0 };

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t frame = view->frames[i], flags = view->frame_flags[i];
		int goes_on = run.pages && frame != ABSENT && frame == run.last_frame + 1 &&
			      bit(flags, FLAG_COMPOUND_TAIL);

		if (!goes_on) {
			count(view, &run, ret);
			run.head_flags = flags;
		}
		if (frame != ABSENT) {
			run.pages++;
			run.last_frame = frame;
		}
	}
	count(view, &run, ret);
}

static long major_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_majflt;
}

/*
 * Only a page that is mapped has an entry; a page that isn't cached is left alone. One
 * that went since it was looked up is read back in, into a folio that nobody wrote to.
 */
static int map_resident(const struct view *view, const uint8_t *map, uint64_t pages)
{
	long before = major_faults();

	for (uint64_t i = 0; i < pages; i++)
		if (view->resident[i] & 1)
			(void)*(const volatile uint8_t *)(map + i * view->page_bytes);
	return major_faults() == before ? 0 : -ESTALE;
}

static int read_frames(const struct view *view, const uint8_t *map, uint64_t pages)
{
	uint64_t at = (uint64_t)(uintptr_t)map / view->page_bytes * sizeof(*view->frames);
	int err = ls_file_read(view->pagemap, view->frames, pages * sizeof(*view->frames), at);

	for (uint64_t i = 0; !err && i < pages; i++) {
		uint64_t entry = view->frames[i], frame = entry & PAGEMAP_FRAME_MASK;
		int is_there = bit(entry, PAGEMAP_PRESENT) && view->resident[i] & 1;

		/* Without CAP_SYS_ADMIN every frame reads as zero. */
		if (is_there && !frame)
			return -EPERM;
		view->frames[i] = is_there ? frame : ABSENT;
	}
	return err;
}

/* Frames that follow each other are asked for at once. */
static int read_flags(const struct view *view, uint64_t pages)
{
	for (uint64_t i = 0; i < pages;) {
		uint64_t frame = view->frames[i], length = 1;
		int err = 0;

		while (frame != ABSENT && i + length < pages &&
		       view->frames[i + length] == frame + length)
			length++;
		if (frame != ABSENT)
			err = ls_file_read(view->flags, &view->frame_flags[i],
					   length * sizeof(*view->frame_flags),
					   frame * sizeof(*view->frame_flags));
		if (err)
			return err;
		i += length;
	}
	return 0;
}

static int survey_map(const struct view *view, uint8_t *map, uint64_t bytes,
		      struct ls_folio_survey *ret)
{
	uint64_t pages = (bytes + view->page_bytes - 1) / view->page_bytes;
	int err;

	/* No read-ahead, should a page be reclaimed between the two. */
	if (madvise(map, ls_size(bytes), MADV_RANDOM) ||
	    mincore(map, ls_size(bytes), view->resident))
		return -errno;
	err = map_resident(view, map, pages);
	if (!err)
		err = read_frames(view, map, pages);
	if (!err)
		err = read_flags(view, pages);
	if (!err)
		count_window(view, pages, ret);
	return err;
}

static int survey_window(const struct view *view, uint64_t start, uint64_t bytes,
			 struct ls_folio_survey *ret)
{
	void *map = mmap(NULL, ls_size(bytes), PROT_READ, MAP_SHARED, view->file, (off_t)start);
	int err;

	if (map == MAP_FAILED)
		return -errno;
	err = survey_map(view, map, bytes, ret);
	munmap(map, ls_size(bytes));
	return err;
}

int ls_folio_survey(int fd, uint64_t file_bytes, struct ls_folio_survey *ret)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const size_t pages = WINDOW_BYTES / ls_size(page);
	LS_CLOSE int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	LS_CLOSE int flags = pagemap < 0 ? -1 : open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	LS_FREE unsigned char *resident = NULL;
	LS_FREE uint64_t *frames = NULL, *frame_flags = NULL;
	struct view view = { fd, pagemap, flags, page, NULL, NULL, NULL };
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	if (pagemap < 0 || flags < 0)
		return -errno;
	view.resident = resident = malloc(pages);
	view.frames = frames = malloc(pages * sizeof(*frames));
	view.frame_flags = frame_flags = calloc(pages, sizeof(*frame_flags));
	if (!resident || !frames || !frame_flags)
		return -ENOMEM;
	for (uint64_t start = 0; !err && start < file_bytes; start += WINDOW_BYTES)
		err = survey_window(&view, start, ls_min(file_bytes - start, WINDOW_BYTES),
				    ret);
	return err;
}

void ls_folio_report(const struct ls_folio_survey *survey, struct ls_result *result)
{
	char name[LS_NAME_BYTES];

	ls_value_add(result, "folios", (int64_t)survey->folios);
	if (survey->folios)
		ls_value_add(result, "folio_mean_bytes",
			     (int64_t)(survey->bytes / survey->folios));
	for (uint32_t order = 0; order < LS_FOLIO_ORDERS; order++) {
		if (!survey->order_bytes[order])
			continue;
		snprintf(name, sizeof(name), "folio_order_%u_bytes", order);
		ls_value_add(result, name, (int64_t)survey->order_bytes[order]);
	}
}

void ls_folio_report_unknown(struct ls_result *result)
{
	ls_value_add(result, "folio_mean_bytes", -1);
}
