/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a zram device says in mm_stat of the pages that it holds.
 * Source: Documentation/admin-guide/blockdev/zram.rst.
 */
#ifndef LS_MM_STAT_H
#define LS_MM_STAT_H

#include <stdint.h>

struct ls_mm_stat {
	int64_t original_bytes;		/* of all pages that it holds */
	int64_t compressed_bytes;	/* a huge page counts as a page, a same-filled one as nothing */
	int64_t memory_bytes;		/* that the pool takes */
	int64_t same_pages;		/* of one word over and over */
	int64_t huge_pages;		/* that are stored as they are */
};

/* Opens that of the device with these numbers; -ENOENT where it is no zram device. */
int ls_mm_stat_open(uint32_t major, uint32_t minor, int *ret);

/* fd is that of ls_mm_stat_open, over and over; -EPROTO where it has fewer fields. */
int ls_mm_stat_read(int fd, struct ls_mm_stat *ret);

/* after - before, field by field. */
struct ls_mm_stat ls_mm_stat_difference(const struct ls_mm_stat *before,
					const struct ls_mm_stat *after);

#endif
