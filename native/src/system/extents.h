/* SPDX-License-Identifier: Apache-2.0 */
/* What lies on the device for a file, by FIEMAP. */
#ifndef LS_EXTENTS_H
#define LS_EXTENTS_H

#include <stdint.h>

/* Bytes of the file, up to its end; they may overlap, but for mapped and hole. */
struct ls_extents {
	uint64_t count;
	int64_t mapped_bytes;
	int64_t hole_bytes;
	int64_t unwritten_bytes;	/* preallocated: read as zeros, without the device */
	int64_t encoded_bytes;		/* on the device in another form: compressed */
	int64_t encrypted_bytes;	/* as many bytes there as in the file */
	int64_t inline_bytes;		/* among the file system's metadata */
	int64_t shared_bytes;		/* with other files, or other places of this one */
	int64_t unplaced_bytes;		/* not yet written out, or nobody knows where */
	int64_t plain_bytes;		/* on the device as they are in the file: none of the above, */
					/* but for shared and encrypted */
};

/*
 * Writes out what is dirty of the file and reads its map (Documentation/filesystems/fiemap.rst).
 * -EOPNOTSUPP, -ENOTTY or -EBADR where the file system tells none.
 */
int ls_extents_read(int fd, uint64_t file_bytes, struct ls_extents *ret);

#endif
