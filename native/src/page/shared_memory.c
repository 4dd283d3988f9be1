/* SPDX-License-Identifier: Apache-2.0 */
#include "page/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arithmetic.h"

enum { WINDOW_PAGES = 16384, IDENTITY_BYTES = 48 };

static void identify(dev_t device, uint64_t inode, char *ret)
{
	snprintf(ret, IDENTITY_BYTES, "%" PRIx64 ":%" PRIx64, (uint64_t)device, inode);
}

static int is_known(const char *known, const struct ls_area *area)
{
	char identity[IDENTITY_BYTES];
	size_t length;

	identify(area->device, area->inode, identity);
	length = strlen(identity);
	for (const char *at = known; *at; at += strspn(at, ",")) {
		size_t item = strcspn(at, ",");

		if (item == length && !strncmp(at, identity, length))
			return 1;
		at += item;
	}
	return 0;
}

static struct ls_shared_object *find_object(struct ls_shared_memory *memory,
					    const struct ls_area *area)
{
	for (uint32_t i = 0; i < memory->count; i++) {
		struct ls_shared_object *object = &memory->objects[i];

		if (object->device == area->device && object->inode == area->inode)
			return object;
	}
	return NULL;
}

/* -1 where it cannot be opened, which only root may, or is no file. */
static int open_object(int directory, const struct ls_area *area, int *ret)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "map_files/%" PRIx64 "-%" PRIx64, area->start, area->end);
	*ret = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	if (fstat(*ret, &st) || !S_ISREG(st.st_mode)) {
		close(*ret);
		*ret = -1;
	}
	return 0;
}

/* The runs of pages that are in memory, of one window of the object. */
static int add_resident(const unsigned char *resident, uint64_t pages, uint64_t offset,
			uint64_t page_bytes, struct ls_range *range, struct ls_kind *kind,
			struct ls_ranges *ret)
{
	range->pages = 0;
	for (uint64_t i = 0; i <= pages; i++) {
		int err;

		if (i < pages && resident[i] & 1) {
			range->pages++;
			continue;
		}
		range->start = offset + (i - range->pages) * page_bytes;
		kind->pages += range->pages;
		err = range->pages ? ls_ranges_add(ret, range) : 0;
		if (err)
			return err;
		range->pages = 0;
	}
	return 0;
}

static int find_window(int fd, uint64_t offset, uint64_t bytes, uint64_t page_bytes,
		       struct ls_range *range, struct ls_kind *kind, struct ls_ranges *ret)
{
	unsigned char resident[WINDOW_PAGES];
	void *window = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	int err;

	if (window == MAP_FAILED)
		return -errno;
	err = mincore(window, (size_t)bytes, resident) ? -errno : 0;
	munmap(window, (size_t)bytes);
	return err ? err : add_resident(resident, bytes / page_bytes, offset, page_bytes, range,
					kind, ret);
}

static int find_in_file(int fd, uint32_t number, const struct ls_area *area, uint64_t page_bytes,
			struct ls_kinds *kinds, struct ls_ranges *ret)
{
	struct ls_kind *kind = &kinds->all[area->shared_kind];
	struct ls_range range = { .kind = area->shared_kind, .source = (int32_t)number };
	struct stat st;
	uint64_t end;

	if (fstat(fd, &st))
		return -errno;
	end = ls_round_up((uint64_t)st.st_size, page_bytes);
	for (uint64_t at = 0; at < end; at += WINDOW_PAGES * page_bytes) {
		int err = find_window(fd, at, ls_min(end - at, WINDOW_PAGES * page_bytes),
				      page_bytes, &range, kind, ret);

		if (err)
			return err;
	}
	return 0;
}

/* A page that is mapped twice is looked at once: areas lie in the order of their offsets, mostly. */
static int find_mapped(struct ls_shared_object *object, const struct ls_area *area,
		       struct ls_pagemap *pagemap, struct ls_kinds *kinds, struct ls_ranges *ret)
{
	if (area->offset < object->end_offset)
		return 0;
	object->end_offset = area->offset + (area->end - area->start);
	return ls_pagemap_find(pagemap, area, LS_PAGEMAP_FILE, kinds, ret);
}

int ls_shared_memory_find(struct ls_shared_memory *memory, int directory, const char *known,
			  const struct ls_area *area, struct ls_pagemap *pagemap,
			  struct ls_kinds *kinds, struct ls_ranges *ret)
{
	struct ls_shared_object *object = find_object(memory, area);
	int err;

	if (object)
		return object->fd < 0 ? find_mapped(object, area, pagemap, kinds, ret) : 0;
	if (is_known(known, area))
		return 0;
	if (memory->count == LS_SHARED_OBJECTS_MAX) {
		memory->left_out++;
		return 0;
	}
	object = &memory->objects[memory->count];
	*object = (struct ls_shared_object){ area->device, area->inode, -1, 0 };
	err = open_object(directory, area, &object->fd);
	if (err)
		return err;
	memory->count++;
	/* The kernel counts what is swapped of all that is mapped, also where it was never touched. */
	kinds->all[area->shared_kind].swapped += area->swapped_bytes / pagemap->page_bytes;
	if (object->fd < 0)
		return find_mapped(object, area, pagemap, kinds, ret);
	return find_in_file(object->fd, memory->count - 1, area, pagemap->page_bytes, kinds, ret);
}

void ls_shared_memory_deinit(struct ls_shared_memory *memory)
{
	for (uint32_t i = 0; i < memory->count; i++)
		if (memory->objects[i].fd >= 0)
			close(memory->objects[i].fd);
}

int ls_shared_memory_tell(const struct ls_shared_memory *memory, char *text, size_t text_bytes)
{
	char identity[IDENTITY_BYTES];
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < memory->count; i++) {
		int bytes;

		identify(memory->objects[i].device, memory->objects[i].inode, identity);
		bytes = snprintf(text + length, text_bytes - length, "%s%s", i ? "," : "",
				 identity);
		if (bytes < 0 || (size_t)bytes >= text_bytes - length)
			return -ENOBUFS;
		length += (size_t)bytes;
	}
	return 0;
}
