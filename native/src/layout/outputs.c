/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed outputs that no kernel has yet: of a block, whose input ends with a page (what it is where
 * the input ends with a byte, EROFS's pclusters of 4 KiB are), and of a segment of 2 MiB.
 * Source: vivo's talk on next-generation compression, CLK 2024.
 */
#include "core/arithmetic.h"
#include "layout/sizes.h"

enum { SEGMENT_BYTES = LS_ENCODER_ROOM_MAX };

int ls_layout_add_pages(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			struct ls_layout_sizes *sizes)
{
	const size_t block = LS_LAYOUT_BLOCK;
	size_t start = 0;

	while (start < bytes) {
		size_t taken, stored, left = bytes - start;
		int err = ls_encoder_fill(encoder, data + start, left, block, &taken, &stored);

		if (err)
			return err;
		if (taken < left)
			taken = taken / block * block;
		if (taken <= block) {
			taken = (size_t)ls_min(left, block);
			ls_layout_add_raw(&sizes->pages, 1);
		} else {
			ls_layout_add(&sizes->pages, start, start + taken, 1);
		}
		start += taken;
	}
	return 0;
}

int ls_layout_add_segments(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			   struct ls_layout_sizes *sizes)
{
	size_t start = 0;

	while (start < bytes) {
		size_t taken, stored;
		int err = ls_encoder_fill(encoder, data + start, bytes - start, SEGMENT_BYTES,
					  &taken, &stored);

		if (err)
			return err;
		if (taken <= stored) {
			taken = (size_t)ls_min(bytes - start, SEGMENT_BYTES);
			stored = taken;
			ls_layout_add_raw(&sizes->segments, ls_layout_blocks(stored));
		} else {
			ls_layout_add(&sizes->segments, start, start + taken,
				      ls_layout_blocks(stored));
		}
		sizes->segment_bytes += stored;
		start += taken;
	}
	return 0;
}
