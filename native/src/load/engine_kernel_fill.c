/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine kernel-fill: a module of ours (native/kernel) allocates a dma-buf and reads the file
 * into its pages inside the kernel, each buffer in one call.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "core/arithmetic.h"
#include "load/kernel_fill.h"
#include "load/load.h"
#include "system/clock.h"

/* What the module counted, of all buffers. */
struct totals {
	int64_t allocate_ns, read_ns, wait_ns, export_ns;
	int64_t chunks[3];
	int64_t queued, short_reads;
};

/* Without an overlap each request may be sent as soon as its own memory is there. */
static uint64_t batch_bytes(const struct ls_load *load)
{
	return load->options.overlap ? load->options.overlap : load->options.block;
}

static void add_span(struct ls_reader *reader, const char *name, uint32_t lane, int64_t start_ns,
		     uint64_t from_ns, uint64_t to_ns)
{
	ls_span_add(reader->load->result, name, lane, start_ns + (int64_t)from_ns,
		    start_ns + (int64_t)to_ns);
}

/* The module's times as spans of this lane, and of the allocator's where both go on at once. */
static void add_spans(struct ls_reader *reader, const struct ls_kernel_fill *fill,
		      int64_t start_ns)
{
	uint32_t lane = fill->mode == LS_KERNEL_FILL_SERIAL ? reader->lane : LS_ALLOCATOR_LANE;

	add_span(reader, "allocate", lane, start_ns, 0, fill->allocated_at);
	add_span(reader, "read", reader->lane, start_ns, fill->first_sent_at, fill->last_read_at);
	add_span(reader, "export", reader->lane, start_ns, fill->total_ns - fill->export_ns,
		 fill->total_ns);
	ls_reader_first_byte(reader, start_ns + (int64_t)fill->first_read_at);
}

static void add_totals(struct totals *totals, const struct ls_kernel_fill *fill)
{
	totals->allocate_ns += (int64_t)fill->allocate_ns;
	totals->read_ns += (int64_t)(fill->last_read_at - fill->first_sent_at);
	totals->wait_ns += (int64_t)fill->wait_ns;
	totals->export_ns += (int64_t)fill->export_ns;
	for (int i = 0; i < 3; i++)
		totals->chunks[i] += fill->chunks[i];
	totals->queued += fill->queued;
	totals->short_reads += fill->short_reads;
}

static int fill_segment(struct ls_reader *reader, uint32_t position, struct totals *totals)
{
	struct ls_load *load = reader->load;
	const struct ls_layout *layout = &load->layout;
	struct ls_segment *segment = &load->destination.segments[position];
	uint64_t offset = position * layout->segment_bytes;
	struct ls_kernel_fill fill = {
		.offset = offset,
		.length = ls_min(layout->file_bytes - offset, layout->segment_bytes),
		.block = load->options.block,
		.batch = batch_bytes(load),
		.depth = (uint32_t)load->options.depth,
		.mode = (uint32_t)load->options.fill,
		.file_fd = load->file,
	};
	int64_t start_ns = ls_clock_now(), since_ns = start_ns;

	fill.size = ls_round_up(fill.length, load->destination.granule_bytes);
	if (ioctl(load->destination.device, LS_KERNEL_FILL, &fill))
		return ls_reader_fail(reader, -errno, "LOADSTONE_FILL", (int64_t)offset);
	segment->fd = fill.fd;
	segment->bytes = fill.size;
	add_spans(reader, &fill, start_ns);
	ls_reader_record(reader, &since_ns);
	add_totals(totals, &fill);
	return 0;
}

static void report(struct ls_result *result, const struct totals *totals)
{
	ls_value_add(result, "kernel_allocate_ns", totals->allocate_ns);
	ls_value_add(result, "kernel_read_ns", totals->read_ns);
	ls_value_add(result, "kernel_wait_ns", totals->wait_ns);
	ls_value_add(result, "kernel_export_ns", totals->export_ns);
	ls_value_add(result, "kernel_chunks_order8", totals->chunks[0]);
	ls_value_add(result, "kernel_chunks_order4", totals->chunks[1]);
	ls_value_add(result, "kernel_chunks_order0", totals->chunks[2]);
	ls_value_add(result, "kernel_queued", totals->queued);
	ls_value_add(result, "kernel_short_reads", totals->short_reads);
}

static int read_all(struct ls_reader *reader)
{
	struct totals totals = { 0 };
	int err = 0;

	/* The module tells when it read: the call is more than that. */
	reader->busy_since_ns = 0;
	for (uint32_t i = 0; !err && i < reader->load->layout.segments; i++)
		err = fill_segment(reader, i, &totals);
	if (!err)
		report(reader->load->result, &totals);
	return err;
}

static int check(struct ls_load *load)
{
	return load->destination.kind == LS_DESTINATION_DMA_BUF ? 0 : -EOPNOTSUPP;
}

const struct ls_engine ls_engine_kernel_fill = {
	.makes_segment = 1,
	.makes_every_segment = 1,
	.wants_one_thread = 1,
	.check = check,
	.read = read_all,
};
