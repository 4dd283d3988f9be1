/* SPDX-License-Identifier: Apache-2.0 */
/* The CRC-32C of every block of a file, made once a Run and held on disk. */
#ifndef LS_BLOCK_CHECKSUM_H
#define LS_BLOCK_CHECKSUM_H

#include <stdint.h>

enum { LS_CHECKSUM_BLOCK_BYTES = 1 << 20 };

struct ls_checksums {
	uint32_t *crcs;
	uint64_t count;
};

static inline uint64_t ls_checksums_count(uint64_t file_bytes)
{
	return (file_bytes + LS_CHECKSUM_BLOCK_BYTES - 1) / LS_CHECKSUM_BLOCK_BYTES;
}

/* -EINVAL where the file at path isn't that of a file of file_bytes. */
int ls_checksums_read(const char *path, uint64_t file_bytes, struct ls_checksums *ret);
void ls_checksums_deinit(struct ls_checksums *checksums);

#endif
