/* SPDX-License-Identifier: Apache-2.0 */
/* The model file: opened read-only, never changed. */
#ifndef LS_FILE_H
#define LS_FILE_H

#include <stdint.h>

/* Alignment that O_DIRECT wants of memory and of offset and length, in bytes. */
struct ls_direct_alignment {
	uint32_t memory_bytes;
	uint32_t offset_bytes;
};

/*
 * Asks statx(2) (STATX_DIOALIGN, Linux 6.1), else tries reads of 512 bytes up to
 * a page. fd is open with O_DIRECT. -EINVAL where no direct read works.
 */
int ls_file_direct_alignment(int fd, struct ls_direct_alignment *ret);

#endif
