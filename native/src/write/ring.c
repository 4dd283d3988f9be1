/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write, engine uring: each writer keeps a ring of its own full. */
#include <errno.h>
#include <stdlib.h>

#include "core/size.h"
#include "write/folio_write.h"

/*
 * A piece that is in flight is not marked with another number, nor written again. There are as
 * many as may be in flight; the next one is still there only where completions overtake others.
 */
static int next(void *context, struct ls_transfer *ret)
{
	struct ls_writer *writer = context;
	const struct ls_writing *writing = writer->writing;
	const uint64_t position = writer->first + writer->next;
	uint8_t *in_flight = &writer->in_flight[position % writing->pieces];

	if (ls_thread_group_is_cancelled(&writing->group))
		return -ECANCELED;
	if (writer->next == writer->stop)
		return 0;
	if (*in_flight)
		return -EAGAIN;
	*in_flight = 1;
	writer->next++;
	ret->addr = ls_writing_piece(writing, writer->pool, position);
	ret->file_offset = writing->start + position * writing->options.size;
	ret->bytes = ret->request_bytes = (uint32_t)writing->options.size;
	ret->buffer = -1;
	return 1;
}

/* A piece is awaited while others are in flight. */
static int never(void *context)
{
	(void)context;
	return -EDEADLK;
}

static void done(void *context, const struct ls_transfer *transfer, int64_t now_ns)
{
	struct ls_writer *writer = context;
	const uint64_t offset = (uint64_t)(transfer->addr - writer->pool);

	writer->in_flight[offset / writer->writing->options.size] = 0;
	writer->written_ns = now_ns;
}

static int open_ring(struct ls_writer *writer)
{
	struct ls_writing *writing = writer->writing;
	const struct ls_uring_options options = {
		.depth = (uint32_t)writing->options.depth,
		.fd = writing->file,
		.path = writing->options.file,
		.step = ls_writing_step(writing),
		.is_write = 1,
		.rw_flags = ls_writing_write_flags(writing),
		.is_enabled_later = 1,
		.histogram = &writer->write_latency,
	};
	int err = ls_uring_queue_reserve(&writer->uring, &options, writing->result);

	if (err)
		return err;
	writer->in_flight = calloc(ls_size(writing->pieces), 1);
	if (!writer->in_flight)
		return ls_writing_fail(writing, -ENOMEM, "reserve writers", -1);
	return ls_uring_queue_open(&writer->uring);
}

int ls_writing_open_rings(struct ls_writing *writing)
{
	int err = 0;

	if (writing->options.engine != LS_WRITE_URING)
		return 0;
	for (uint32_t i = 0; !err && i < writing->options.threads; i++)
		err = open_ring(&writing->writers[i]);
	return err;
}

void ls_writing_close_rings(struct ls_writing *writing)
{
	for (uint32_t i = 0; writing->writers && i < writing->options.threads; i++) {
		struct ls_writer *writer = &writing->writers[i];

		ls_uring_queue_deinit(&writer->uring);
		free(writer->in_flight);
		writer->in_flight = NULL;
	}
}

int ls_writer_enable_ring(struct ls_writer *writer)
{
	return ls_uring_queue_enable(&writer->uring);
}

int ls_writer_write_by_ring(struct ls_writer *writer, uint64_t first, uint64_t stop)
{
	const struct ls_transfer_source source = {
		.next = next,
		.wait = never,
		.done = done,
		.context = writer,
	};

	writer->next = first;
	writer->stop = stop;
	return ls_uring_queue_run(&writer->uring, &source);
}
