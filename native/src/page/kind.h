/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts of memory by the names of their areas, and what was counted in each. */
#ifndef LS_KIND_H
#define LS_KIND_H

#include <stdint.h>

enum {
	LS_KIND_NAME_BYTES = 64,
	LS_KINDS_MAX = 1024,	/* while areas are read; what is more is of the last */
	LS_KINDS_TOLD = 40,	/* those with most pages, of which the last are all others */
	LS_DECILES = 11,	/* of a page's size: below 10 %, …, below 100 %, and all of it */
	LS_THRESHOLDS_MAX = 4,
};

/* Pages, what they compress to, each at most a page, and how long that took. */
struct ls_page_count {
	uint64_t pages;
	uint64_t bytes;
	uint64_t ns;
};

struct ls_kind {
	char name[LS_KIND_NAME_BYTES];
	int is_shared;
	uint64_t pages;		/* present */
	uint64_t swapped;
	uint64_t seen;
	uint64_t lost;		/* gone, or refused, when they were to be read */
	struct ls_page_count same;
	struct ls_page_count deciles[LS_DECILES];	/* without those that are same-filled */
	struct ls_page_count from[LS_THRESHOLDS_MAX];	/* of a threshold's size or more */
};

struct ls_kinds {
	struct ls_kind *all;
	uint32_t count;
};

int ls_kinds_init(struct ls_kinds *kinds);
void ls_kinds_deinit(struct ls_kinds *kinds);

/* The kind with that name, made if there is none. */
uint32_t ls_kinds_find(struct ls_kinds *kinds, const char *name, int is_shared);

/* Puts those with most pages first, and all beyond LS_KINDS_TOLD into two that are called other. */
void ls_kinds_sort(struct ls_kinds *kinds);

#endif
