/* SPDX-License-Identifier: Apache-2.0 */
#include "page/draw.h"

#include <errno.h>
#include <stdlib.h>

#include "core/arithmetic.h"
#include "core/random.h"
#include "core/size.h"

/* Below a bound; with at most 2^32 pages each is as likely as another to 2^-32. */
static uint64_t below(struct ls_random *random, uint64_t bound)
{
	return ls_random_next(random) % bound;
}

static void shuffle(struct ls_draw *draw, struct ls_random *random)
{
	for (uint64_t left = draw->count; left > 1; left--) {
		uint64_t other = below(random, left);
		struct ls_drawn_page page = draw->pages[left - 1];

		draw->pages[left - 1] = draw->pages[other];
		draw->pages[other] = page;
	}
}

/* Source: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S. */
static void select_pages(struct ls_draw *draw, const struct ls_ranges *ranges, uint64_t wanted,
			 uint64_t page_bytes, struct ls_random *random)
{
	uint64_t left = ranges->pages;

	for (uint64_t i = 0; i < ranges->count && draw->count < wanted; i++) {
		const struct ls_range *range = &ranges->all[i];

		for (uint64_t page = 0; page < range->pages && draw->count < wanted; page++, left--)
			if (below(random, left) < wanted - draw->count)
				draw->pages[draw->count++] = (struct ls_drawn_page){
					range->start + page * page_bytes, range->kind,
					range->source,
				};
	}
}

int ls_draw_init(struct ls_draw *draw, const struct ls_ranges *ranges, uint64_t most_pages,
		 uint64_t page_bytes, uint64_t seed)
{
	const uint64_t wanted = ls_min(most_pages, ranges->pages);
	struct ls_random random;

	draw->count = 0;
	draw->pages = calloc(ls_size(wanted ? wanted : 1), sizeof(*draw->pages));
	if (!draw->pages)
		return -ENOMEM;
	ls_random_init(&random, seed);
	select_pages(draw, ranges, wanted, page_bytes, &random);
	shuffle(draw, &random);
	return 0;
}

void ls_draw_deinit(struct ls_draw *draw)
{
	free(draw->pages);
}
