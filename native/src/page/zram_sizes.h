/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a zram device makes of pages: each is written over the one before, so that all that the
 * device stores, by its mm_stat, is that page. Source: Documentation/admin-guide/blockdev/zram.rst.
 */
#ifndef LS_ZRAM_SIZES_H
#define LS_ZRAM_SIZES_H

#include <stddef.h>
#include <stdint.h>

#include "page/kind.h"

struct ls_zram_sizes {
	int fd;			/* of the device; -1: there is none */
	int mm_stat;
	size_t page_bytes;
	struct ls_page_count same;
	struct ls_page_count huge;
	struct ls_page_count deciles[LS_DECILES];
	uint64_t equal_pages;	/* not huge, and with the size that the compressor measured */
	uint64_t most_stored_bytes;	/* of a page that is not huge */
	uint64_t least_huge_bytes;	/* what the compressor measured of a huge one */
};

/*
 * Without a device's path there is none. *step says what an error is of; -EBUSY for a device that
 * stores something beyond its first block.
 */
int ls_zram_sizes_open(struct ls_zram_sizes *sizes, const char *device, size_t page_bytes,
		       const char **step);
void ls_zram_sizes_close(struct ls_zram_sizes *sizes);

/* Writes a page, aligned to its size; measured_bytes is what the compressor made of it, 0: same. */
int ls_zram_sizes_add(struct ls_zram_sizes *sizes, const void *page, size_t measured_bytes,
		      const char **step);

#endif
