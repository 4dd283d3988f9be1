/* SPDX-License-Identifier: Apache-2.0 */
/* An image held in memory, which devices and what is read of them are compared with. */
#ifndef LS_IMAGE_H
#define LS_IMAGE_H

#include <stdint.h>

#include "loadstone.h"

enum {
	LS_IMAGE_BLOCK_BYTES = 1 << 12,
	LS_IMAGE_PIECE_BYTES = 1 << 20,
};

struct ls_image {
	struct ls_result *result;	/* gets the errors of all below */
	uint64_t bytes;
	uint8_t *held;
	uint8_t *piece;			/* LS_IMAGE_PIECE_BYTES, for whoever reads with O_DIRECT */
};

/* Reads all of it; fd is open with O_DIRECT. Must be followed by ls_image_release. */
int ls_image_read(struct ls_image *image, int fd, const char *path, uint64_t bytes);

/*
 * -EBADMSG where a piece, read of path at an offset, is not that of the image, with the offset
 * of the block that differs. Any thread may ask.
 */
int ls_image_compare(const struct ls_image *image, const void *piece, uint64_t bytes,
		     uint64_t offset, const char *path);

/* The same of all of a device; fd is open with O_DIRECT. */
int ls_image_compare_all(struct ls_image *image, int fd, const char *path);

void ls_image_release(struct ls_image *image);

#endif
