/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices. */
#ifndef LS_DEVICE_H
#define LS_DEVICE_H

#include <stdint.h>

struct ls_device_info {
	uint64_t bytes;
	uint32_t block_bytes;		/* logical */
	uint32_t major;
	uint32_t minor;
	int is_read_only;
};

/*
 * Size, numbers and limits of the block device that path names. -ENOTBLK where it is something
 * else; to be called before open, which would wait for a writer of a FIFO.
 */
int ls_device_query(const char *path, struct ls_device_info *ret);

#endif
