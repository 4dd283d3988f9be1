/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS: a pcluster takes as much of the file as becomes its size, to the byte; where that does not
 * shrink its whole blocks are stored as they are, and so is a last part of at most a block. With tail packing the
 * last part lies beside the inode where it becomes less than a block.
 * Source: erofs-utils 1.8, lib/compress.c, __z_erofs_compress_one. 1.5 stores one block and tries
 * again, which gives the same size, or nearly.
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

/* mkfs.erofs has zstd look back over eight outputs, and at most so far. */
enum { WINDOWS = 8, WINDOW_MAX = 1 << 20 };

static const size_t rooms[LS_LAYOUT_PCLUSTERS] = { 4 << 10, 64 << 10, 1 << 20 };

/* What is filled: the room, as much as does not shrink in whole blocks, or what is left. */
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
	if (stretch->taken > size)
		return err;
	size = stretch->taken / LS_LAYOUT_BLOCK * LS_LAYOUT_BLOCK;
	stretch->stored = 0;
	stretch->taken = size ? size : (size_t)ls_min(left, LS_LAYOUT_BLOCK);
	return err;
}

static uint64_t stored_blocks(const struct stretch *stretch)
{
	return ls_layout_blocks(stretch->stored ? stretch->stored : stretch->taken);
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
		if (stretch.stored && stretch.taken == left)
			err = shorten(&stretch);
		sum->tail_blocks += stored_blocks(&stretch);
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
	const size_t end = stretch->start + stretch->taken;

	if (stretch->stored)
		ls_layout_add(sum, stretch->start, end, stored_blocks(stretch));
	else
		for (size_t at = stretch->start; at < end; at += LS_LAYOUT_BLOCK)
			ls_layout_add(sum, at, (size_t)ls_min(at + LS_LAYOUT_BLOCK, end), 1);
	stretch->start = end;
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
		if (left <= LS_LAYOUT_BLOCK) {
			stretch.stored = 0;
			stretch.taken = left;
		}
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
		int err = ls_encoder_set_window(encoder,
						(size_t)ls_min(WINDOWS * rooms[i], WINDOW_MAX));

		if (!err)
			err = add_pcluster(stretch, &sizes->pclusters[i]);
		if (err)
			return err;
	}
	return ls_encoder_set_window(encoder, 0);
}
