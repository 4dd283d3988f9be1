/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation page-classes: what its two paths share.
 *
 * Pages are compressed in units: one page, or those of a huge page. What a unit became is known
 * from the device's counters, before and after it.
 */
#ifndef LS_PAGE_CLASSES_H
#define LS_PAGE_CLASSES_H

#include <stdint.h>

#include "core/operation.h"
#include "core/record.h"
#include "system/device.h"
#include "system/region.h"
#include "system/mm_stat.h"

enum ls_pages_path { LS_PAGES_BLOCK, LS_PAGES_SWAP };

struct ls_pages_options {
	const char *device;
	uint64_t path;
	uint64_t class;		/* a position in ls_page_class_names */
	const char *file;	/* that the pages are of, for class file */
	uint64_t total;
	uint64_t thp;
	uint64_t seed;
};

struct ls_page_unit {
	int64_t out_ns;			/* compressing all of it; negative: it did not go out */
	struct ls_mm_stat stored;	/* what the device's counters moved by */
};

struct ls_pages {
	struct ls_pages_options options;
	struct ls_result *result;
	struct ls_device_info device;
	int stat;			/* mm_stat */
	uint64_t page_bytes;		/* the machine's */
	uint64_t count;			/* pages */
	uint64_t unit_pages;
	uint8_t *payload;		/* what the pages hold */
	struct ls_page_unit *units;
	int64_t *in_ns;			/* of each page; negative: it was not compressed */
};

/* Of the classes that pages may have; the last is file. Ends with NULL. */
extern const char *const ls_page_class_names[];

static inline uint64_t ls_pages_bytes(const struct ls_pages *pages)
{
	return pages->count * pages->page_bytes;
}

/* Records an error on the device; returns code. */
int ls_pages_fail(const struct ls_pages *pages, int code, const char *step, int64_t offset);

/* Reads the device's mm_stat. */
int ls_pages_read_stat(const struct ls_pages *pages, struct ls_mm_stat *ret);

/*
 * Fills the payload with pages of the class that the options ask for; those of a file lie evenly
 * spread in it, and begin again where it has fewer.
 */
int ls_pages_fill(const struct ls_pages *pages);

/*
 * Writes the pages to the device and reads them back, having probed what its largest compressed
 * page is, and what writing and reading take without compression. All that it held is lost.
 */
int ls_pages_measure_block(struct ls_pages *pages, const struct ls_job *job);

/* Has the kernel swap out pages of a mapping, and faults them in again. */
int ls_pages_measure_swap(struct ls_pages *pages, const struct ls_job *job);

/* Compares what came back with what was compressed, page by page. */
int ls_pages_verify(const struct ls_pages *pages, const uint8_t *copy);

/* Records what became of the units: by kind of page how many, their bytes and times. */
int ls_pages_report(const struct ls_pages *pages);

#endif
