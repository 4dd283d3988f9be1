/* SPDX-License-Identifier: Apache-2.0 */
/* A random sample of pages, each as likely as any other, in random order. */
#ifndef LS_DRAW_H
#define LS_DRAW_H

#include <stdint.h>

#include "page/range.h"

struct ls_drawn_page {
	uint64_t start;
	uint32_t kind;
	int32_t source;
};

struct ls_draw {
	struct ls_drawn_page *pages;
	uint64_t count;
};

/*
 * Draws at most so many pages of some ranges. Cut off anywhere, it is still a random sample.
 * -ENOMEM.
 */
int ls_draw_init(struct ls_draw *draw, const struct ls_ranges *ranges, uint64_t most_pages,
		 uint64_t page_bytes, uint64_t seed);
void ls_draw_deinit(struct ls_draw *draw);

#endif
