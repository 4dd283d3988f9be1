/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "core/arithmetic.h"
#include "load/load.h"
#include "system/clock.h"

enum { ALLOCATOR_LANE = 1000 };

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
	if (err || destination->kind != LS_DESTINATION_DMA_HEAP)
		return err;
	err = ls_segment_sync(destination, segment, 1);
	ls_span_add(load->result, "sync", lane, mapped_ns, ls_clock_now());
	return err;
}

static int export(struct ls_load *load, uint32_t segment, uint32_t lane)
{
	int64_t start_ns = ls_clock_now();
	int err;

	if (load->destination.kind != LS_DESTINATION_UDMABUF)
		return 0;
	err = ls_segment_export(&load->destination, segment);
	ls_span_add(load->result, "export", lane, start_ns, ls_clock_now());
	return err;
}

/* Hands the written bytes over to the device. */
static int sync_for_device(struct ls_load *load, uint32_t segment)
{
	struct ls_destination *destination = &load->destination;
	int64_t start_ns = ls_clock_now();
	int err = 0;

	if (!ls_destination_is_dmabuf(destination))
		return 0;
	if (destination->kind == LS_DESTINATION_UDMABUF)
		err = ls_segment_sync(destination, segment, 1);
	if (!err)
		err = ls_segment_sync(destination, segment, 0);
	ls_span_add(load->result, "sync", 0, start_ns, ls_clock_now());
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
		err = create(load, chunk.segment, ALLOCATOR_LANE);
	if (err)
		return err;
	start_ns = ls_clock_now();
	err = ls_segment_populate(&load->destination, chunk.segment, chunk.segment_offset,
				  chunk.bytes);
	ls_span_add(load->result, "allocate", ALLOCATOR_LANE, start_ns, ls_clock_now());
	if (!err)
		ls_watermark_advance(&load->watermark, chunk.file_offset + chunk.bytes);
	return err;
}

static int ends_segment(const struct ls_load *load, uint64_t chunk)
{
	return (chunk + 1) % load->layout.chunks_per_segment == 0;
}

/* A dma-buf may be made before its bytes have been read, so that its cost overlaps the reads. */
static void *allocate_all(void *argument)
{
	struct ls_load *load = argument;
	int err = 0;

	for (uint64_t i = 0; !err && i < load->layout.chunks; i++) {
		if (ls_watermark_is_stopped(&load->watermark))
			break;
		err = populate_chunk(load, i);
		if (!err && ends_segment(load, i))
			err = export(load, (uint32_t)(i / load->layout.chunks_per_segment),
				     ALLOCATOR_LANE);
	}
	if (err)
		ls_watermark_stop(&load->watermark);
	return NULL;
}

int ls_load_allocate_overlapped(struct ls_load *load)
{
	int err = pthread_create(&load->allocator, NULL, allocate_all, load);

	if (err)
		return ls_result_fail(load->result, -err, "start allocator thread", "memory", -1);
	load->has_allocator = 1;
	return 0;
}

int ls_load_export(struct ls_load *load)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < load->layout.segments; i++) {
		if (load->destination.segments[i].dmabuf < 0)
			err = export(load, i, 0);
		if (!err)
			err = sync_for_device(load, i);
	}
	return err;
}
