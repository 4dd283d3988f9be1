/* SPDX-License-Identifier: Apache-2.0 */
/* The page cache of one file: seen, dropped, filled. */
#ifndef LS_CACHE_H
#define LS_CACHE_H

#include <stdint.h>

/*
 * Bytes of the file's first file_bytes that are in the page cache, rounded up
 * to pages. -EPERM when the kernel does not let this user see it; another error
 * where it tells nobody, as of a file that can't be mapped.
 */
int ls_cache_resident(int fd, uint64_t file_bytes, int64_t *ret);

/*
 * Bytes of the file's first file_bytes that are in the page cache and not yet
 * written back. -ENOSYS before Linux 6.5, -EOPNOTSUPP where the kernel can't see it.
 */
int ls_cache_dirty(int fd, uint64_t file_bytes, int64_t *ret);

/*
 * fsync, POSIX_FADV_DONTNEED and, where the user may, drop_caches, until nothing is resident,
 * at most three times. The caller checks with ls_cache_resident. *ret: 1 if drop_caches could
 * be written.
 */
int ls_cache_drop(int fd, uint64_t file_bytes, int *ret);

/*
 * The same without drop_caches, where nothing of the file is resident after that: what else is
 * cached, such as programs, stays. Else ls_cache_drop.
 */
int ls_cache_evict(int fd, uint64_t file_bytes, int *ret);

/*
 * Dentries and inodes that are clean, not in use and without pages in the page cache go, the
 * whole machine's; root's to do.
 */
int ls_cache_drop_inodes(void);

/* Reads the whole file through the page cache. */
int ls_cache_warm(int fd, uint64_t file_bytes);

#endif
