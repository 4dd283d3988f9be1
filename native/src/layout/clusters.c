/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F2FS: a cluster is compressed where that saves at least a block, else it is stored as it is; so
 * is the last one of a file where it has fewer blocks. Its last block counts, filled up with zeros,
 * however much of it the file has. Dynamic clusters: two neighbours, each with what
 * is best for it, become one of twice the size where that saves blocks.
 * Source: fs/f2fs/compress.c, f2fs_compress_pages; tried against 7.3.4.
 */
#include "core/arithmetic.h"
#include "layout/sizes.h"

enum { LEAST_BLOCKS = 4, REGION_BLOCKS = 256, HEADER_BYTES = 24 };

static int measure(struct ls_encoder *encoder, const uint8_t *data, uint64_t blocks,
		   struct ls_layout_sum *ret)
{
	const size_t bytes = (size_t)blocks * LS_LAYOUT_BLOCK;
	size_t got;
	int err = ls_encoder_compress(encoder, data, bytes,
				      bytes - LS_LAYOUT_BLOCK - HEADER_BYTES, &got);

	*ret = (struct ls_layout_sum){ 0 };
	if (got)
		ls_layout_add(ret, 0, bytes, ls_layout_blocks(got + HEADER_BYTES));
	else
		ls_layout_add_raw(ret, blocks);
	return err;
}

static void add(struct ls_layout_sum *sum, const struct ls_layout_sum *other)
{
	sum->blocks += other->blocks;
	sum->random += other->random;
	sum->windows += other->windows;
}

/*
 * One size of cluster in a region. best has what is best for each half of these clusters, of which
 * there are halves, and becomes what is best for each cluster; a half that is left over is dynamic.
 */
static int add_level(struct ls_encoder *encoder, const uint8_t *data, uint64_t region_blocks,
		     uint32_t level, struct ls_layout_sum *best, uint64_t halves,
		     struct ls_layout_sizes *sizes)
{
	const uint64_t blocks = (uint64_t)LEAST_BLOCKS << level, count = region_blocks / blocks;

	for (uint64_t i = 0; i < count; i++) {
		struct ls_layout_sum sum, both = { 0 };
		int err = measure(encoder, data + i * blocks * LS_LAYOUT_BLOCK, blocks, &sum);

		if (err)
			return err;
		add(&sizes->clusters[level], &sum);
		if (level) {
			add(&both, &best[2 * i]);
			add(&both, &best[2 * i + 1]);
		}
		best[i] = level && both.blocks <= sum.blocks ? both : sum;
	}
	ls_layout_add_raw(&sizes->clusters[level], region_blocks - count * blocks);
	if (halves > 2 * count)
		add(&sizes->dynamic, &best[2 * count]);
	return 0;
}

static int add_region(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
		      struct ls_layout_sizes *sizes)
{
	const uint64_t blocks = ls_layout_blocks(bytes);
	struct ls_layout_sum best[REGION_BLOCKS / LEAST_BLOCKS];
	uint64_t count = 0;

	for (uint32_t level = 0; level < LS_LAYOUT_CLUSTERS; level++) {
		int err = add_level(encoder, data, blocks, level, best, count, sizes);

		if (err)
			return err;
		count = blocks / ((uint64_t)LEAST_BLOCKS << level);
	}
	if (count)
		add(&sizes->dynamic, best);
	ls_layout_add_raw(&sizes->dynamic, blocks % LEAST_BLOCKS);
	return 0;
}

int ls_layout_add_clusters(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			   struct ls_layout_sizes *sizes)
{
	const size_t region_bytes = REGION_BLOCKS * LS_LAYOUT_BLOCK;

	for (size_t start = 0; start < bytes; start += region_bytes) {
		int err = add_region(encoder, data + start,
				     (size_t)ls_min(bytes - start, region_bytes), sizes);

		if (err)
			return err;
	}
	return 0;
}
