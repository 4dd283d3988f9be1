/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/size.h"
#include "system/file.h"
#include "tree/tree.h"

static const char copy[] = "copy", read_step[] = "read", verify[] = "verify";

static int fail_source(const struct ls_tree_work *work, int code, const char *step,
		       const struct ls_tree_entry *entry)
{
	return ls_tree_fail(work, code, step, &work->source, entry->path, -1);
}

static int fail_copy(const struct ls_tree_work *work, int code, const char *step,
		     const struct ls_tree_entry *entry, uint64_t offset)
{
	return ls_tree_fail(work, code, step, &work->copy, entry->path, (int64_t)offset);
}

static int open_source(const struct ls_tree_work *work, const struct ls_tree_entry *entry)
{
	return openat(work->source.fd, entry->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_copy(const struct ls_tree_work *work, const struct ls_tree_entry *entry, int flags)
{
	return openat(work->copy.fd, entry->path, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Where from offset on the next data of a file begin and end; *ret_end is bytes at its end. */
static int find_data(int fd, const struct ls_tree_entry *entry, uint64_t offset,
		     uint64_t *ret_start, uint64_t *ret_end)
{
	off_t found;

	*ret_start = offset;
	*ret_end = entry->bytes;
	if (!entry->is_sparse)
		return 0;
	found = lseek(fd, (off_t)offset, SEEK_DATA);
	if (found < 0 && errno != ENXIO)
		return -errno;
	*ret_start = found < 0 ? entry->bytes : ls_min((uint64_t)found, entry->bytes);
	if (*ret_start == entry->bytes)
		return 0;
	found = lseek(fd, found, SEEK_HOLE);
	if (found < 0)
		return -errno;
	*ret_end = ls_min((uint64_t)found, entry->bytes);
	return 0;
}

static int copy_range(const struct ls_tree_work *work, const struct ls_tree_entry *entry,
		      const int fds[2], uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t bytes = ls_min(end - start, LS_TREE_BLOCK_BYTES);
		int err = ls_file_read(fds[0], work->block, bytes, start);

		if (err)
			return ls_tree_fail(work, err, copy, &work->source, entry->path,
					    (int64_t)start);
		err = ls_file_write(fds[1], work->block, bytes, start, 0);
		if (err)
			return fail_copy(work, err, copy, entry, start);
		start += bytes;
	}
	return 0;
}

static int copy_file(const struct ls_tree_work *work, const struct ls_tree_entry *entry)
{
	LS_CLOSE int source = open_source(work, entry);
	LS_CLOSE int file = -1;
	uint64_t start, end = 0;
	int err = 0;

	if (source < 0)
		return fail_source(work, -errno, copy, entry);
	file = openat(work->copy.fd, entry->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      entry->mode & 0777);
	if (file < 0)
		return fail_copy(work, -errno, copy, entry, 0);
	while (!err && end < entry->bytes) {
		err = find_data(source, entry, end, &start, &end);
		if (err)
			return fail_source(work, err, copy, entry);
		err = copy_range(work, entry, (const int[]){ source, file }, start, end);
	}
	if (!err && entry->is_sparse && ftruncate(file, (off_t)entry->bytes))
		err = fail_copy(work, -errno, copy, entry, entry->bytes);
	return err;
}

int ls_tree_copy_entry(const struct ls_tree_work *work, const struct ls_tree_entry *entry)
{
	int dir = work->copy.fd, err = 0;

	switch (entry->kind) {
	case LS_TREE_FILE:
		return copy_file(work, entry);
	case LS_TREE_DIRECTORY:
		err = mkdirat(dir, entry->path, 0700) ? -errno : 0;
		break;
	case LS_TREE_LINK:
		err = symlinkat(entry->target, dir, entry->path) ? -errno : 0;
		break;
	case LS_TREE_NAME:
		err = linkat(dir, work->tree.entries[entry->first].path, dir, entry->path, 0)
			? -errno : 0;
		break;
	}
	return err ? fail_copy(work, err, copy, entry, 0) : 0;
}

static int read_file(const struct ls_tree_work *work, const struct ls_tree_entry *entry, int fd)
{
	for (uint64_t at = 0; at < entry->bytes; at += LS_TREE_BLOCK_BYTES) {
		uint64_t bytes = ls_min(entry->bytes - at, LS_TREE_BLOCK_BYTES);
		int err = ls_file_read(fd, work->block, bytes, at);

		if (err)
			return fail_copy(work, err, read_step, entry, at);
	}
	return 0;
}

static int read_directory(const struct ls_tree_work *work, const struct ls_tree_entry *entry,
			  int fd)
{
	ssize_t got;

	do {
		got = getdents64(fd, work->block, LS_TREE_BLOCK_BYTES);
	} while (got > 0);
	return got ? fail_copy(work, -errno, read_step, entry, 0) : 0;
}

int ls_tree_read_entry(const struct ls_tree_work *work, const struct ls_tree_entry *entry)
{
	LS_CLOSE int fd = -1;

	switch (entry->kind) {
	case LS_TREE_LINK:
		if (readlinkat(work->copy.fd, entry->path, (char *)work->block,
			       LS_TREE_BLOCK_BYTES) < 0)
			return fail_copy(work, -errno, read_step, entry, 0);
		return 0;
	case LS_TREE_NAME:
		return 0;
	case LS_TREE_DIRECTORY:
	case LS_TREE_FILE:
		break;
	}
	fd = open_copy(work, entry, entry->kind == LS_TREE_DIRECTORY ? O_DIRECTORY : 0);
	if (fd < 0)
		return fail_copy(work, -errno, read_step, entry, 0);
	return entry->kind == LS_TREE_FILE ? read_file(work, entry, fd)
					   : read_directory(work, entry, fd);
}

static int compare_file(const struct ls_tree_work *work, const struct ls_tree_entry *entry)
{
	LS_CLOSE int source = open_source(work, entry);
	LS_CLOSE int file = open_copy(work, entry, 0);
	uint8_t *other = work->block + LS_TREE_BLOCK_BYTES;
	struct stat stat;

	if (source < 0)
		return fail_source(work, -errno, verify, entry);
	if (file < 0 || fstat(file, &stat))
		return fail_copy(work, -errno, "read back", entry, 0);
	if ((uint64_t)stat.st_size != entry->bytes)
		return fail_copy(work, -EBADMSG, verify, entry, (uint64_t)stat.st_size);
	for (uint64_t at = 0; at < entry->bytes; at += LS_TREE_BLOCK_BYTES) {
		uint64_t bytes = ls_min(entry->bytes - at, LS_TREE_BLOCK_BYTES);
		int err = ls_file_read(source, work->block, bytes, at);

		if (err)
			return fail_source(work, err, verify, entry);
		err = ls_file_read(file, other, bytes, at);
		if (err)
			return fail_copy(work, err, "read back", entry, at);
		if (memcmp(work->block, other, ls_size(bytes)))
			return fail_copy(work, -EBADMSG, verify, entry, at);
	}
	return 0;
}

int ls_tree_compare_entry(const struct ls_tree_work *work, const struct ls_tree_entry *entry)
{
	return entry->kind == LS_TREE_FILE ? compare_file(work, entry) : 0;
}
