/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: its file, as it is before the writes. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "system/cache.h"
#include "system/file.h"
#include "write/folio_write.h"

static uint64_t pool_bytes(const struct ls_writing *writing)
{
	return writing->pieces * writing->options.size;
}

/* What the file holds before the writes that are timed: none of it is what they write. */
static int write_before(struct ls_writing *writing, uint64_t bytes)
{
	const uint64_t filled = ls_round_up(pool_bytes(writing), sizeof(uint64_t));

	(void)ls_payload_fill(LS_PAYLOAD_RANDOM, writing->options.seed + 1, writing->pools, filled);
	for (uint64_t at = 0; at < bytes; at += pool_bytes(writing)) {
		uint64_t left = ls_min(bytes - at, pool_bytes(writing));
		int err = ls_file_write(writing->plain, writing->pools, left, at, 0);

		if (err)
			return ls_writing_fail(writing, err, "write", (int64_t)at);
	}
	return 0;
}

/*
 * For an append the file's size must not grow, or the append would begin after the allocated
 * range.
 */
static int preallocate(struct ls_writing *writing)
{
	const uint64_t end = ls_writing_end(writing);
	int mode = writing->options.pattern == LS_WRITE_APPEND ? FALLOC_FL_KEEP_SIZE : 0;

	if (!writing->options.prealloc)
		return 0;
	while (fallocate(writing->plain, mode, (off_t)writing->start,
			 (off_t)(end - writing->start)))
		if (errno != EINTR)
			return ls_writing_fail(writing, -errno, "fallocate", -1);
	return 0;
}

/* Writes the file to disk, drops it from the page cache, and syncs its file system. */
static int flush_and_drop(struct ls_writing *writing)
{
	uint64_t end = ls_writing_end(writing);
	int dropped = 0, err = 0;

	if (writing->options.pattern != LS_WRITE_FRESH)
		err = ls_cache_drop(writing->plain, end, &dropped);
	if (err)
		return ls_writing_fail(writing, err, "set cache state", -1);
	if (syncfs(writing->plain))
		return ls_writing_fail(writing, -errno, "syncfs", -1);
	err = ls_cache_resident(writing->plain, end, &writing->cached_before_bytes);
	if (err)
		writing->cached_before_bytes = err;
	return 0;
}

static int check_alignment(struct ls_writing *writing)
{
	uint32_t align_bytes = 1;
	int err = ls_file_direct_alignment(writing->file, &align_bytes);

	if (err)
		return ls_writing_fail(writing, err, "O_DIRECT open", -1);
	if (writing->options.size % align_bytes)
		return ls_writing_fail(writing, -EINVAL, "size for O_DIRECT", align_bytes);
	return 0;
}

static int open_file(struct ls_writing *writing)
{
	int is_direct = writing->options.io == LS_WRITE_DIRECT;
	int flags = O_RDWR | O_CLOEXEC | ls_writing_open_flags(writing);

	writing->file = open(writing->options.file, flags);
	if (writing->file < 0)
		return ls_writing_fail(writing, -errno, is_direct ? "O_DIRECT open" : "open", -1);
	return is_direct ? check_alignment(writing) : 0;
}

int ls_writing_make_file(struct ls_writing *writing)
{
	const uint64_t before[] = {
		[LS_WRITE_FRESH] = 0,
		[LS_WRITE_OVERWRITE] = ls_writing_end(writing),
		[LS_WRITE_APPEND] = writing->start,
	};
	int err;

	writing->plain = open(writing->options.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writing->plain < 0)
		return ls_writing_fail(writing, -errno, "create", -1);
	writing->has_made_file = 1;
	err = write_before(writing, before[writing->options.pattern]);
	if (!err)
		err = preallocate(writing);
	if (!err)
		err = flush_and_drop(writing);
	return err ? err : open_file(writing);
}
