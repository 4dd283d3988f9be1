/* SPDX-License-Identifier: Apache-2.0 */
#include "block/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "core/size.h"
#include "system/file.h"

static uint64_t piece_at(const struct ls_image *image, uint64_t at)
{
	uint64_t left = image->bytes - at;

	return left < LS_IMAGE_PIECE_BYTES ? left : LS_IMAGE_PIECE_BYTES;
}

int ls_image_read(struct ls_image *image, int fd, const char *path, uint64_t bytes)
{
	image->bytes = bytes;
	if (posix_memalign((void **)&image->held, LS_IMAGE_BLOCK_BYTES, ls_size(bytes)) ||
	    posix_memalign((void **)&image->piece, LS_IMAGE_BLOCK_BYTES, LS_IMAGE_PIECE_BYTES))
		return ls_result_fail(image->result, -ENOMEM, "reserve image", path,
				      (int64_t)bytes);
	for (uint64_t at = 0; at < bytes; at += LS_IMAGE_PIECE_BYTES) {
		int err = ls_file_read(fd, image->held + at, piece_at(image, at), at);

		if (err)
			return ls_result_fail(image->result, err, "O_DIRECT read", path,
					      (int64_t)at);
	}
	return 0;
}

int ls_image_compare(const struct ls_image *image, const void *piece, uint64_t bytes,
		     uint64_t offset, const char *path)
{
	const uint8_t *held = image->held + offset;

	for (uint64_t at = 0; at < bytes; at += LS_IMAGE_BLOCK_BYTES)
		if (memcmp((const uint8_t *)piece + at, held + at, LS_IMAGE_BLOCK_BYTES))
			return ls_result_fail(image->result, -EBADMSG, "verify", path,
					      (int64_t)(offset + at));
	return 0;
}

int ls_image_compare_all(struct ls_image *image, int fd, const char *path)
{
	for (uint64_t at = 0; at < image->bytes; at += LS_IMAGE_PIECE_BYTES) {
		int err = ls_file_read(fd, image->piece, piece_at(image, at), at);

		if (err)
			return ls_result_fail(image->result, err, "O_DIRECT read", path,
					      (int64_t)at);
		err = ls_image_compare(image, image->piece, piece_at(image, at), at, path);
		if (err)
			return err;
	}
	return 0;
}

void ls_image_release(struct ls_image *image)
{
	free(image->held);
	free(image->piece);
}
