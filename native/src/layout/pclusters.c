/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS: a pcluster takes as much of the file as becomes its size, to the byte; what does not
 * shrink is stored block by block, and so is a last part of at most a block. With tail packing the
 * last part lies beside the inode where it becomes less than a block.
 * Source: erofs-utils 1.5, lib/compress.c, vle_compress_one.
 */
#include "core/arithmetic.h"
#include "layout/sizes.h"

/* What is left of a piece, and how much of it the next pcluster takes. */
struct stretch {
	struct ls_encoder *encoder;
	const uint8_t *data;
	size_t bytes;		/* of the piece */
	size_t start;
	size_t room;
	int is_last;		/* the piece ends with the file */
	size_t taken;
	size_t stored;		/* 0: it does not shrink */
};

static const size_t rooms[LS_LAYOUT_PCLUSTERS] = { 4 << 10, 64 << 10, 1 << 20 };

static int fill(struct stretch *stretch, size_t room)
{
	const size_t left = stretch->bytes - stretch->start;
	size_t size;
	int err = ls_encoder_fill(stretch->encoder, stretch->data + stretch->start, left, room,
				  &stretch->taken, &stretch->stored);

	size = stretch->stored;
	/* Only what ends the file may take less than a block. */
	if (!stretch->is_last || stretch->taken < left || size >= LS_LAYOUT_BLOCK)
		size = (size_t)ls_round_up(size, LS_LAYOUT_BLOCK);
	if (stretch->taken <= size)
		stretch->stored = 0;
	return err;
}

/* The last part once more into a block less, where what is then left takes less than a block. */
static int shorten(struct stretch *stretch)
{
	const size_t left = stretch->bytes - stretch->start;
	const size_t block = LS_LAYOUT_BLOCK, stored = stretch->stored;
	struct stretch shorter = *stretch;
	int err;

	if (stored % block == 0)
		return 0;
	err = fill(&shorter, stored / block * block);
	if (!err && shorter.stored &&
	    shorter.stored + (left - shorter.taken) < ls_round_up(stored, block))
		*stretch = shorter;
	return err;
}

/* The end of a file with tail packing; the stretch is filled once already. */
static int pack_tail(struct stretch stretch, struct ls_layout_pcluster *sum)
{
	int err = 0;

	for (;;) {
		const size_t left = stretch.bytes - stretch.start;

		if (!stretch.stored && left < LS_LAYOUT_BLOCK) {
			sum->inline_bytes += left;
			return 0;
		}
		if (stretch.stored && stretch.taken == left && stretch.stored < LS_LAYOUT_BLOCK) {
			sum->inline_bytes += stretch.stored;
			return 0;
		}
		if (!stretch.stored)
			stretch.taken = (size_t)ls_min(left, LS_LAYOUT_BLOCK);
		else if (stretch.taken == left)
			err = shorten(&stretch);
		sum->tail_blocks += stretch.stored ? ls_layout_blocks(stretch.stored) : 1;
		stretch.start += stretch.taken;
		if (err || stretch.start == stretch.bytes)
			return err;
		err = fill(&stretch, stretch.room);
		if (err)
			return err;
	}
}

static void take(struct stretch *stretch, struct ls_layout_sum *sum)
{
	const size_t left = stretch->bytes - stretch->start;
	const uint64_t blocks = stretch->stored ? ls_layout_blocks(stretch->stored) : 1;

	if (!stretch->stored)
		stretch->taken = (size_t)ls_min(left, LS_LAYOUT_BLOCK);
	ls_layout_add(sum, stretch->start, stretch->start + stretch->taken, blocks);
	stretch->start += stretch->taken;
}

static int add_pcluster(struct stretch stretch, struct ls_layout_pcluster *sum)
{
	const uint64_t before = sum->plain.blocks;
	uint64_t at_tail = 0;
	int has_tail = 0;

	while (stretch.start < stretch.bytes) {
		const size_t left = stretch.bytes - stretch.start;
		int err = fill(&stretch, stretch.room);

		if (!err && stretch.is_last && !has_tail &&
		    (left <= LS_LAYOUT_BLOCK || stretch.taken == left)) {
			has_tail = 1;
			at_tail = sum->plain.blocks;
			err = pack_tail(stretch, sum);
		}
		if (err)
			return err;
		if (left <= LS_LAYOUT_BLOCK)
			stretch.stored = 0;
		take(&stretch, &sum->plain);
	}
	sum->tail_blocks += (has_tail ? at_tail : sum->plain.blocks) - before;
	return 0;
}

int ls_layout_add_pclusters(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			    int is_last, struct ls_layout_sizes *sizes)
{
	for (int i = 0; i < LS_LAYOUT_PCLUSTERS; i++) {
		const struct stretch stretch = {
			.encoder = encoder, .data = data, .bytes = bytes, .room = rooms[i],
			.is_last = is_last,
		};
		int err = add_pcluster(stretch, &sizes->pclusters[i]);

		if (err)
			return err;
	}
	return 0;
}
