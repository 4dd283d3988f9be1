/* SPDX-License-Identifier: Apache-2.0 */
/* Engine uring: each reader keeps a ring of its own full. */
#include <errno.h>
#include <stdlib.h>

#include "core/arithmetic.h"
#include "core/size.h"
#include "load/load.h"
#include "system/file.h"

static const char *step_of(const struct ls_load *load)
{
	int is_fixed = (int)load->options.fixed;

	if (load->options.polling & LS_POLL_IO)
		return "io_uring IOPOLL read";
	if (load->options.is_dontcache)
		return "io_uring RWF_DONTCACHE read";
	if (load->options.is_direct)
		return is_fixed ? "io_uring O_DIRECT fixed read" : "io_uring O_DIRECT read";
	return is_fixed ? "io_uring fixed read" : "io_uring read";
}

static int reserve(struct ls_reader *reader)
{
	struct ls_load *load = reader->load;
	struct ls_uring_options options = {
		.depth = (uint32_t)load->options.depth,
		.fd = load->file,
		.path = load->options.file,
		.step = step_of(load),
		.rw_flags = load->options.is_dontcache ? LS_RWF_DONTCACHE : 0,
		.align_bytes = (uint32_t)load->layout.align_bytes,
		.registers_file = (int)load->options.fixed,
		.polling = (unsigned int)load->options.polling,
		.histogram = reader->histogram,
	};

	if (load->options.fixed) {
		reader->chunks = calloc(ls_size(load->layout.chunks), sizeof(*reader->chunks));
		if (!reader->chunks)
			return ls_reader_fail(reader, -ENOMEM, "reserve buffers", -1);
	}
	return ls_uring_queue_reserve(&reader->uring, &options, load->result);
}

static void describe_chunk(struct ls_reader *reader, uint64_t position)
{
	const struct ls_layout *layout = &reader->load->layout;
	const struct ls_destination *destination = &reader->load->destination;
	struct ls_extent chunk;

	ls_layout_chunk(layout, position, &chunk);
	if (!chunk.bytes)
		return;
	if (destination->window_bytes) {
		reader->chunks[position].iov_base = destination->segments[chunk.segment].addr;
		reader->chunks[position].iov_len =
			ls_size(destination->segments[chunk.segment].bytes);
		return;
	}
	reader->chunks[position].iov_base = ls_reader_addr(reader, &chunk);
	reader->chunks[position].iov_len =
		ls_size(ls_round_up(chunk.request_bytes, destination->page_bytes));
}

/* The chunks past the file's end are at the end, and have no memory to register. */
static uint32_t describe_all(struct ls_reader *reader)
{
	uint32_t count = 0;

	for (uint64_t i = 0; i < reader->load->layout.chunks; i++) {
		describe_chunk(reader, i);
		if (reader->chunks[i].iov_len)
			count = (uint32_t)i + 1;
	}
	return count;
}

static int prepare(struct ls_reader *reader)
{
	const struct ls_load *load = reader->load;
	int err;

	reader->uring.options.fd = load->file;
	err = ls_uring_queue_open(&reader->uring);
	if (err || !load->options.fixed)
		return err;
	if (load->options.overlap)
		return ls_uring_queue_register_room(&reader->uring, (uint32_t)load->layout.chunks);
	return ls_uring_queue_register(&reader->uring, reader->chunks, describe_all(reader));
}

static int make_registered(struct ls_reader *reader, uint64_t chunk)
{
	if (reader->chunks[chunk].iov_len)
		return 0;
	describe_chunk(reader, chunk);
	return ls_uring_queue_register_one(&reader->uring, (uint32_t)chunk,
					    &reader->chunks[chunk]);
}

static int next(void *context, struct ls_transfer *ret)
{
	struct ls_reader *reader = context;
	struct ls_extent *extent = &reader->pending;
	const struct ls_load *load = reader->load;
	int is_fixed = (int)load->options.fixed;

	if (!reader->has_pending && !ls_reader_take(reader, extent))
		return 0;
	reader->has_pending = !ls_watermark_reached(&load->watermark,
						   extent->file_offset + extent->bytes);
	if (reader->has_pending)
		return -EAGAIN;
	if (is_fixed && make_registered(reader, extent->chunk))
		return -ECANCELED;
	ret->addr = ls_reader_addr(reader, extent);
	ret->file_offset = extent->file_offset;
	ret->bytes = (uint32_t)extent->bytes;
	ret->request_bytes = (uint32_t)extent->request_bytes;
	ret->buffer = is_fixed ? (int32_t)extent->chunk : -1;
	return 1;
}

static int wait_for_memory(void *context)
{
	struct ls_reader *reader = context;

	return ls_reader_await(reader, &reader->pending);
}

static void first(void *context, int64_t now_ns)
{
	ls_reader_first_byte(context, now_ns);
}

static int read_all(struct ls_reader *reader)
{
	struct ls_transfer_source source = {
		.next = next,
		.wait = wait_for_memory,
		.first = first,
		.context = reader,
	};

	return ls_uring_queue_run(&reader->uring, &source);
}

static void release(struct ls_reader *reader)
{
	ls_uring_queue_deinit(&reader->uring);
	free(reader->chunks);
	reader->chunks = NULL;
}

const struct ls_engine ls_engine_uring = {
	.takes_dontcache = 1,
	.takes_reused = 1,
	.reserve = reserve,
	.prepare = prepare,
	.read = read_all,
	.release = release,
};
