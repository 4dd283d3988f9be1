/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what they are, and reading and writing a piece as a whole. */
#ifndef LS_FILE_H
#define LS_FILE_H

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * The facts of a regular file that holds something; to be asked before open,
 * which would wait for a writer of a FIFO. -EISDIR, -EINVAL for what is neither
 * file nor directory, -ENODATA for an empty file.
 */
int ls_file_stat(const char *path, struct stat *ret);

/*
 * What code, a read's error, means once done bytes of its block have come: some
 * kernels refuse to read on from the file's end, because that is no multiple of
 * what O_DIRECT wants.
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

/*
 * Writes a piece, or reads one, whatever the number of calls it takes. flags are
 * those of pwritev2(2). -ENODATA where the file ends within the piece.
 */
int ls_file_write(int fd, const void *data, uint64_t bytes, uint64_t offset, int flags);
int ls_file_read(int fd, void *data, uint64_t bytes, uint64_t offset);

#endif
