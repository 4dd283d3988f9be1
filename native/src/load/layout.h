/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a file is cut: into segments (one destination buffer each), a segment into
 * chunks (what is allocated or registered at once), a chunk into blocks (what is
 * read at once). Nothing crosses a border of the level above.
 */
#ifndef LS_LAYOUT_H
#define LS_LAYOUT_H

#include <stdint.h>

#include "core/arithmetic.h"

struct ls_layout {
	uint64_t file_bytes;
	uint64_t segment_bytes;
	uint64_t chunk_bytes;
	uint64_t block_bytes;
	uint64_t align_bytes;		/* of offset and length, for O_DIRECT; 1: none */
	uint64_t chunks_per_segment;
	uint64_t blocks_per_chunk;
	uint32_t segments;
	uint64_t chunks;
	uint64_t blocks;		/* positions; those past the end are empty */
};

struct ls_extent {
	uint32_t segment;
	uint64_t chunk;
	uint64_t segment_offset;
	uint64_t file_offset;
	uint64_t bytes;			/* of the file; 0 past its end */
	uint64_t request_bytes;		/* rounded up for O_DIRECT */
};

/*
 * granule_bytes is the smallest piece of memory (a page, a huge page), chunk 0
 * means one chunk a segment, no larger than limit_bytes.
 */
static inline void ls_layout_init(struct ls_layout *layout, uint64_t file_bytes, uint64_t buffers,
				  uint64_t granule_bytes, uint64_t chunk_bytes,
				  uint64_t limit_bytes, uint64_t block_bytes, uint64_t align_bytes)
{
	uint64_t share = (file_bytes + buffers - 1) / buffers;
	uint64_t whole = chunk_bytes ? chunk_bytes : limit_bytes;

	layout->file_bytes = file_bytes;
	layout->segment_bytes = ls_round_up(share ? share : 1, granule_bytes);
	if (!chunk_bytes && whole > block_bytes)
		whole -= whole % block_bytes;
	whole = ls_round_up(whole, granule_bytes);
	layout->chunk_bytes = whole < layout->segment_bytes ? whole : layout->segment_bytes;
	layout->block_bytes = block_bytes < layout->chunk_bytes ? block_bytes : layout->chunk_bytes;
	layout->align_bytes = align_bytes;
	layout->chunks_per_segment =
		(layout->segment_bytes + layout->chunk_bytes - 1) / layout->chunk_bytes;
	layout->blocks_per_chunk =
		(layout->chunk_bytes + layout->block_bytes - 1) / layout->block_bytes;
	layout->segments = (uint32_t)((file_bytes + layout->segment_bytes - 1) /
				      layout->segment_bytes);
	layout->chunks = layout->segments * layout->chunks_per_segment;
	layout->blocks = layout->chunks * layout->blocks_per_chunk;
}

static inline void ls_layout_chunk(const struct ls_layout *layout, uint64_t chunk,
				   struct ls_extent *ret)
{
	uint64_t left;

	ret->chunk = chunk;
	ret->segment = (uint32_t)(chunk / layout->chunks_per_segment);
	ret->segment_offset = chunk % layout->chunks_per_segment * layout->chunk_bytes;
	ret->file_offset = ret->segment * layout->segment_bytes + ret->segment_offset;
	left = ret->file_offset < layout->file_bytes ? layout->file_bytes - ret->file_offset : 0;
	ret->bytes = ls_min(left, layout->segment_bytes - ret->segment_offset);
	ret->bytes = ls_min(ret->bytes, layout->chunk_bytes);
	ret->request_bytes = ls_round_up(ret->bytes, layout->align_bytes);
}

static inline void ls_layout_block(const struct ls_layout *layout, uint64_t block,
				   struct ls_extent *ret)
{
	uint64_t skip = block % layout->blocks_per_chunk * layout->block_bytes;

	ls_layout_chunk(layout, block / layout->blocks_per_chunk, ret);
	skip = ls_min(skip, ret->bytes);
	ret->segment_offset += skip;
	ret->file_offset += skip;
	ret->bytes = ls_min(ret->bytes - skip, layout->block_bytes);
	ret->request_bytes = ls_round_up(ret->bytes, layout->align_bytes);
}

#endif
