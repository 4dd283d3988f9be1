/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of an area are present, by /proc/PID/pagemap. Source: pagemap.rst, and
 * include/uapi/linux/fs.h for PAGEMAP_SCAN.
 */
#ifndef LS_PAGEMAP_H
#define LS_PAGEMAP_H

#include <stdint.h>

#include "page/area.h"
#include "page/range.h"

enum ls_pagemap_wanted {
	LS_PAGEMAP_ANONYMOUS,	/* and the swapped ones are counted */
	LS_PAGEMAP_FILE,	/* of shared memory, mapped by this process */
};

struct ls_pagemap {
	int fd;
	int scan_error;		/* 0 while PAGEMAP_SCAN (Linux 6.7) works, else why it does not */
	int knows_guards;	/* it tells guard pages from swapped ones (Linux 6.15) */
	uint64_t page_bytes;
	uint64_t zero_frame;	/* of the zero page; 0 where only root may know, or it is not needed */
	int64_t deadline_ns;	/* 0: none */
};

/* 0 or -errno of opening it. */
int ls_pagemap_open(int directory, uint64_t page_bytes, struct ls_pagemap *ret);
void ls_pagemap_close(struct ls_pagemap *pagemap);

/*
 * Adds the runs of pages of an area that are wanted, and counts them and the swapped ones in
 * their kind. The zero page is no page, and a guard page is not swapped. -ETIME past the deadline.
 */
int ls_pagemap_find(struct ls_pagemap *pagemap, const struct ls_area *area,
		    enum ls_pagemap_wanted wanted, struct ls_kinds *kinds, struct ls_ranges *ret);

/* How many pages from an address on are still present, all of one sort; reading no other is safe. */
int ls_pagemap_still_present(const struct ls_pagemap *pagemap, uint64_t address, uint64_t pages,
			     uint64_t *ret);

#endif
