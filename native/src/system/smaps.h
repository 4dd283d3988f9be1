/* SPDX-License-Identifier: Apache-2.0 */
/* What is resident of some areas of the process's own address space. */
#ifndef LS_SMAPS_H
#define LS_SMAPS_H

#include <stdint.h>

struct ls_smaps {
	int error;			/* -errno where it cannot be read */
	uint64_t resident_bytes;	/* without pages of hugetlbfs, which are in no Rss */
	uint64_t huge_bytes;		/* mapped as huge pages, of hugetlbfs too */
};

/*
 * Sums up, from /proc/self/smaps, the areas of which is_meant says so by their borders.
 * Source: Documentation/filesystems/proc.rst.
 */
void ls_smaps_sum(int (*is_meant)(const void *context, uint64_t from, uint64_t to),
		  const void *context, struct ls_smaps *ret);

#endif
