/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/arithmetic.h"
#include "load/load.h"
#include "system/clock.h"

static uint64_t segment_payload(const struct ls_load *load, uint32_t segment)
{
	uint64_t start = segment * load->layout.segment_bytes;

	return ls_min(load->layout.file_bytes - start, load->layout.segment_bytes);
}

/* Makes one segment writable by the CPU; spans allocate, map, sync. */
static int create(struct ls_load *load, uint32_t segment, uint32_t lane)
{
	struct ls_destination *destination = &load->destination;
	int64_t start_ns = ls_clock_now(), created_ns, mapped_ns;
	int err = ls_segment_create(destination, segment, segment_payload(load, segment));

	created_ns = ls_clock_now();
	ls_span_add(load->result, "allocate", lane, start_ns, created_ns);
	if (err || destination->segments[segment].map)
		return err;
	err = ls_segment_map(destination, segment);
	mapped_ns = ls_clock_now();
	ls_span_add(load->result, "map", lane, created_ns, mapped_ns);
	if (!err && ls_destination_collapses(destination) && !load->options.overlap) {
		err = ls_segment_collapse(destination, segment, 0,
					  destination->segments[segment].bytes);
		ls_span_add(load->result, "allocate", lane, mapped_ns, ls_clock_now());
	}
	if (err || !ls_destination_starts_as_dmabuf(destination))
		return err;
	err = ls_segment_sync(destination, segment, 1);
	ls_span_add(load->result, "sync", lane, mapped_ns, ls_clock_now());
	return err;
}

int ls_load_allocate(struct ls_load *load)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < load->layout.segments; i++)
		err = create(load, i, 0);
	if (!err)
		ls_watermark_advance(&load->watermark, load->layout.file_bytes);
	return err;
}

static int populate_chunk(struct ls_load *load, uint64_t position)
{
	struct ls_extent chunk;
	int64_t start_ns;
	int err = 0;

	ls_layout_chunk(&load->layout, position, &chunk);
	if (!chunk.bytes)
		return 0;
	if (!chunk.segment_offset)
		err = create(load, chunk.segment, LS_ALLOCATOR_LANE);
	if (!err && !chunk.segment_offset && load->options.export == LS_EXPORT_BEFORE)
		err = ls_load_export_segment(load, chunk.segment, LS_ALLOCATOR_LANE);
	if (err)
		return err;
	start_ns = ls_clock_now();
	err = ls_segment_populate(&load->destination, chunk.segment, chunk.segment_offset,
				  chunk.bytes);
	ls_span_add(load->result, "allocate", LS_ALLOCATOR_LANE, start_ns, ls_clock_now());
	if (!err)
		ls_watermark_advance(&load->watermark, chunk.file_offset + chunk.bytes);
	return err;
}

/* A dma-buf may be made before its bytes have been read, so that its cost overlaps the reads. */
static int is_exported_at(const struct ls_load *load, uint64_t chunk)
{
	return load->options.export == LS_EXPORT_BESIDE &&
	       (chunk + 1) % load->layout.chunks_per_segment == 0;
}

static void *allocate_all(void *argument)
{
	struct ls_load *load = argument;
	int err = 0;

	for (uint64_t i = 0; !err && i < load->layout.chunks; i++) {
		if (ls_watermark_is_stopped(&load->watermark))
			break;
		err = populate_chunk(load, i);
		if (!err && is_exported_at(load, i))
			err = ls_load_export_segment(
				load, (uint32_t)(i / load->layout.chunks_per_segment),
				LS_ALLOCATOR_LANE);
	}
	if (err)
		ls_watermark_stop(&load->watermark);
	return NULL;
}

int ls_load_allocate_overlapped(struct ls_load *load)
{
	return ls_load_start_memory_thread(load, allocate_all, "start allocator thread");
}
