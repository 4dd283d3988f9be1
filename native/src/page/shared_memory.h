/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of shared memory that a process has mapped. Each is looked at once as a whole, also
 * what this process has never touched of it, where the kernel lets it be opened: root only.
 */
#ifndef LS_SHARED_MEMORY_H
#define LS_SHARED_MEMORY_H

#include <stdint.h>

#include "page/area.h"
#include "page/pagemap.h"
#include "page/range.h"

enum { LS_SHARED_OBJECTS_MAX = 256 };

struct ls_shared_object {
	dev_t device;
	uint64_t inode;
	int fd;			/* -1 where it could not be opened: then what is mapped is looked at */
	uint64_t end_offset;	/* of what is mapped, as far as that was looked at */
};

struct ls_shared_memory {
	struct ls_shared_object objects[LS_SHARED_OBJECTS_MAX];
	uint32_t count;
	uint32_t left_out;	/* areas of objects beyond those */
};

/*
 * Adds the pages of an area's object that are present, if it is the object's first area.
 *
 * known: DEVICE:INODE with a comma between any two, of objects that are not to be looked at, in
 * hexadecimal.
 */
int ls_shared_memory_find(struct ls_shared_memory *memory, int directory, const char *known,
			  const struct ls_area *area, struct ls_pagemap *pagemap,
			  struct ls_kinds *kinds, struct ls_ranges *ret);
void ls_shared_memory_deinit(struct ls_shared_memory *memory);

/* Those that were looked at, as known takes them; -ENOBUFS if they do not fit. */
int ls_shared_memory_tell(const struct ls_shared_memory *memory, char *text, size_t text_bytes);

#endif
