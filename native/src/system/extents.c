/* SPDX-License-Identifier: Apache-2.0 */
#include "system/extents.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "core/guard.h"

enum {
	EXTENTS_AT_ONCE = 1024,
	/* Without FIEMAP_EXTENT_ENCODED: a form that takes as many bytes. */
	PLACELESS = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC,
	INLINE = FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL,
};

static int is_encoded(uint32_t flags)
{
	return (flags & FIEMAP_EXTENT_ENCODED) && !(flags & FIEMAP_EXTENT_DATA_ENCRYPTED);
}

static void add_extent(struct ls_extents *extents, uint32_t flags, int64_t bytes)
{
	extents->count++;
	extents->mapped_bytes += bytes;
	if (flags & FIEMAP_EXTENT_UNWRITTEN)
		extents->unwritten_bytes += bytes;
	if (is_encoded(flags))
		extents->encoded_bytes += bytes;
	if (flags & FIEMAP_EXTENT_DATA_ENCRYPTED)
		extents->encrypted_bytes += bytes;
	if (flags & INLINE)
		extents->inline_bytes += bytes;
	if (flags & FIEMAP_EXTENT_SHARED)
		extents->shared_bytes += bytes;
	if (flags & PLACELESS)
		extents->unplaced_bytes += bytes;
	if (!(flags & (FIEMAP_EXTENT_UNWRITTEN | INLINE | PLACELESS)) && !is_encoded(flags))
		extents->plain_bytes += bytes;
}

/* Of an extent, what lies from the offset on and within the file. */
static int64_t bytes_within(const struct fiemap_extent *extent, uint64_t offset,
			    uint64_t file_bytes)
{
	uint64_t start = extent->fe_logical > offset ? extent->fe_logical : offset;
	uint64_t end = extent->fe_logical + extent->fe_length;

	if (end > file_bytes)
		end = file_bytes;
	return end > start ? (int64_t)(end - start) : 0;
}

static int ask(int fd, uint64_t offset, uint64_t file_bytes, struct fiemap *map)
{
	map->fm_start = offset;
	map->fm_length = file_bytes - offset;
	map->fm_flags = FIEMAP_FLAG_SYNC;
	map->fm_extent_count = EXTENTS_AT_ONCE;
	map->fm_mapped_extents = 0;
	while (ioctl(fd, FS_IOC_FIEMAP, map))
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Counts a batch of extents; *offset moves behind the last, to the file's end where that was it. */
static void add_batch(struct ls_extents *extents, const struct fiemap *map, uint64_t file_bytes,
		      uint64_t *offset)
{
	const uint64_t start = *offset;

	for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *extent = &map->fm_extents[i];
		int64_t bytes = bytes_within(extent, *offset, file_bytes);

		if (bytes) {
			add_extent(extents, extent->fe_flags, bytes);
			*offset = extent->fe_logical + extent->fe_length;
		}
		if (extent->fe_flags & FIEMAP_EXTENT_LAST)
			*offset = file_bytes;
	}
	if (*offset == start || *offset > file_bytes)
		*offset = file_bytes;
}

int ls_extents_read(int fd, uint64_t file_bytes, struct ls_extents *ret)
{
	LS_FREE struct fiemap *map = NULL;

	*ret = (struct ls_extents){ 0 };
	map = calloc(1, sizeof(*map) + EXTENTS_AT_ONCE * sizeof(map->fm_extents[0]));
	if (!map)
		return -ENOMEM;
	for (uint64_t offset = 0; offset < file_bytes;) {
		int err = ask(fd, offset, file_bytes, map);

		if (err)
			return err;
		add_batch(ret, map, file_bytes, &offset);
	}
	ret->hole_bytes = (int64_t)file_bytes - ret->mapped_bytes;
	return 0;
}
