/* SPDX-License-Identifier: Apache-2.0 */
/* What a piece of a file takes under each layout; a piece begins at a multiple of 1 MiB. */
#ifndef LS_LAYOUT_SIZES_H
#define LS_LAYOUT_SIZES_H

#include <stddef.h>
#include <stdint.h>

#include "layout/encoder.h"

enum {
	LS_LAYOUT_BLOCK = 4096,
	LS_LAYOUT_CLUSTERS = 7,		/* of F2FS: 16 KiB to 1 MiB */
	LS_LAYOUT_PCLUSTERS = 3,	/* of EROFS: 4 KiB, 64 KiB, 1 MiB */
};

/*
 * Blocks that are stored, and those that are read when each block of the file is read by itself,
 * or each window of 128 KiB, with nothing kept in between.
 */
struct ls_layout_sum {
	uint64_t blocks;
	uint64_t random;
	uint64_t windows;
};

/* With tail packing the last part may lie beside the inode: inline_bytes. */
struct ls_layout_pcluster {
	struct ls_layout_sum plain;
	uint64_t tail_blocks;
	uint64_t inline_bytes;
};

struct ls_layout_sizes {
	struct ls_layout_sum clusters[LS_LAYOUT_CLUSTERS];
	struct ls_layout_sum dynamic;
	struct ls_layout_pcluster pclusters[LS_LAYOUT_PCLUSTERS];
	struct ls_layout_sum pages;		/* a block's input ends with a page */
	struct ls_layout_sum segments;		/* its blocks: of outputs that are not packed */
	uint64_t segment_bytes;
};

/* Data that lies from start to end in its piece and is stored, compressed, in some blocks. */
static inline void ls_layout_add(struct ls_layout_sum *sum, uint64_t start, uint64_t end,
				 uint64_t blocks)
{
	const uint64_t block = LS_LAYOUT_BLOCK, window = 128 << 10;

	sum->blocks += blocks;
	sum->random += blocks * ((end - 1) / block - start / block + 1);
	sum->windows += blocks * ((end - 1) / window - start / window + 1);
}

/* Blocks that are stored as they are. */
static inline void ls_layout_add_raw(struct ls_layout_sum *sum, uint64_t blocks)
{
	sum->blocks += blocks;
	sum->random += blocks;
	sum->windows += blocks;
}

static inline uint64_t ls_layout_blocks(uint64_t bytes)
{
	return (bytes + LS_LAYOUT_BLOCK - 1) / LS_LAYOUT_BLOCK;
}

/*
 * Each of these adds to its own part of the sizes; -EIO if the compressor fails. Clusters read zeros
 * behind the data, up to the end of its last block.
 */
int ls_layout_add_clusters(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			   struct ls_layout_sizes *sizes);
int ls_layout_add_pclusters(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			    int is_last, struct ls_layout_sizes *sizes);
int ls_layout_add_pages(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			struct ls_layout_sizes *sizes);
int ls_layout_add_segments(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			   struct ls_layout_sizes *sizes);

#endif
