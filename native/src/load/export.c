/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the dma-bufs of a udmabuf destination are made: before, beside or after the reads.
 * Where memory is allocated chunk by chunk, the allocating thread makes them (memory.c).
 */
#include "load/load.h"
#include "system/clock.h"

int ls_load_export_segment(struct ls_load *load, uint32_t segment, uint32_t lane)
{
	int64_t start_ns = ls_clock_now();
	int err;

	if (!ls_destination_is_udmabuf(&load->destination) ||
	    load->destination.segments[segment].dmabuf >= 0)
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

	/* What the kernel filled no CPU has written through a mapping. */
	if (!ls_destination_is_dmabuf(destination) || !destination->segments[segment].map)
		return 0;
	if (ls_destination_is_udmabuf(destination))
		err = ls_segment_sync(destination, segment, 1);
	if (!err)
		err = ls_segment_sync(destination, segment, 0);
	ls_span_add(load->result, "sync", 0, start_ns, ls_clock_now());
	return err;
}

static int export_all(struct ls_load *load, uint32_t lane)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < load->layout.segments; i++)
		if (!ls_watermark_is_stopped(&load->watermark))
			err = ls_load_export_segment(load, i, lane);
	return err;
}

static void *exporter_thread(void *argument)
{
	struct ls_load *load = argument;

	if (export_all(load, LS_EXPORTER_LANE))
		ls_watermark_stop(&load->watermark);
	return NULL;
}

int ls_load_begin_export(struct ls_load *load)
{
	if (!ls_destination_is_udmabuf(&load->destination) || load->options.overlap)
		return 0;
	if (load->options.export == LS_EXPORT_BEFORE)
		return export_all(load, 0);
	if (load->options.export == LS_EXPORT_BESIDE)
		return ls_load_start_memory_thread(load, exporter_thread, "start exporter thread");
	return 0;
}

int ls_load_end_export(struct ls_load *load)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < load->layout.segments; i++) {
		err = ls_load_export_segment(load, i, 0);
		if (!err)
			err = sync_for_device(load, i);
	}
	return err;
}
