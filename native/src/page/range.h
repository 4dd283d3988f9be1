/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of pages that can be read: of a process's memory, or of a file of shared memory. */
#ifndef LS_RANGE_H
#define LS_RANGE_H

#include <stdint.h>

enum { LS_SOURCE_MEMORY = -1 };

struct ls_range {
	uint64_t start;		/* an address, or an offset of the file */
	uint64_t pages;
	uint32_t kind;
	int32_t source;		/* LS_SOURCE_MEMORY, or the number of a shared object */
};

struct ls_ranges {
	struct ls_range *all;
	uint64_t count;
	uint64_t room;
	uint64_t pages;
};

/* -ENOMEM. */
int ls_ranges_add(struct ls_ranges *ranges, const struct ls_range *range);
void ls_ranges_deinit(struct ls_ranges *ranges);

#endif
