/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what they are, and reading and writing a piece as a whole. */
#ifndef LS_FILE_H
#define LS_FILE_H

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include "loadstone.h"

/* preadv2(2), pwritev2(2), io_uring: through the page cache, and out of it when done. Linux 6.14. */
enum { LS_RWF_DONTCACHE = 0x80 };

/*
 * stat(2) of a regular file that is not empty; to be called before open, which would wait for
 * a writer of a FIFO. -EISDIR, -EINVAL for what is neither file nor directory, -ENODATA for an
 * empty file.
 */
int ls_file_stat(const char *path, struct stat *ret);

/* When the file was last changed, in ns since 1970. */
static inline uint64_t ls_file_mtime_ns(const struct stat *file)
{
	return (uint64_t)file->st_mtim.tv_sec * 1000000000u + (uint64_t)file->st_mtim.tv_nsec;
}

/* Records size, allocated bytes, inode and time of change: by these a later change is seen. */
void ls_file_report(const struct stat *file, struct ls_result *result);

/*
 * What code, a read's error, means after done bytes of its block have been read: some kernels
 * refuse to read at the file's end, because that is not aligned for O_DIRECT: then -ENODATA.
 */
static inline int ls_file_read_error(int code, uint64_t done, uint64_t align_bytes)
{
	return code == -EINVAL && done % align_bytes ? -ENODATA : code;
}

/*
 * What O_DIRECT wants of memory, offset and length, in bytes: asks statx(2)
 * (STATX_DIOALIGN, Linux 6.1), else tries reads of one block of the file system
 * up to 64 KiB. fd is open with O_DIRECT. -EOPNOTSUPP where the file system reads this file through
 * the page cache all the same, -EINVAL where no direct read works.
 */
int ls_file_direct_alignment(int fd, uint32_t *ret);

/* What statx(2) says of the file by flags (STATX_ATTR_DAX, …); 0 on a kernel without it. */
int64_t ls_file_attributes(int fd);

/*
 * Writes a piece, or reads one, whatever the number of calls it takes. flags are
 * those of pwritev2(2). -ENODATA where the file ends within the piece.
 */
int ls_file_write(int fd, const void *data, uint64_t bytes, uint64_t offset, int flags);
int ls_file_read(int fd, void *data, uint64_t bytes, uint64_t offset);

#endif
