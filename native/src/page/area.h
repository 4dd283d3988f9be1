/* SPDX-License-Identifier: Apache-2.0 */
/* The areas of a process's memory that hold anonymous pages, by /proc/PID/smaps. */
#ifndef LS_AREA_H
#define LS_AREA_H

#include <stdint.h>
#include <sys/types.h>

#include "page/kind.h"

struct ls_area {
	uint64_t start;
	uint64_t end;
	uint64_t anonymous_bytes;
	uint64_t swapped_bytes;
	uint32_t kind;		/* of its anonymous pages */
	int is_shared_memory;	/* its file is memory that is swapped as anonymous memory is */
	uint32_t shared_kind;	/* of that file */
	uint64_t offset;
	dev_t device;
	uint64_t inode;
};

struct ls_areas {
	struct ls_area *all;
	uint64_t count;
	uint64_t room;
	uint64_t in_all;		/* also those that are left out */
	uint64_t anonymous_bytes;	/* as the kernel counts them */
	uint64_t swapped_bytes;
	uint64_t huge_bytes;		/* of hugetlbfs, which are never swapped, and left out */
};

/*
 * Those of the process below a directory of /proc that have anonymous or swapped pages, or shared
 * memory. What is reserved and never touched is in none. -ENOENT or -ESRCH where it has no memory
 * any more.
 */
int ls_areas_read(int directory, struct ls_kinds *kinds, struct ls_areas *ret);
void ls_areas_deinit(struct ls_areas *areas);

#endif
