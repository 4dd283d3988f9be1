/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: the threads, their pieces, and the timed region. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/payload.h"
#include "core/record.h"
#include "core/size.h"
#include "system/clock.h"
#include "system/file.h"
#include "write/folio_write.h"

enum {
	POOL_BYTES = 1 << 20,		/* farther apart than any file system's compressor looks */
	POOL_ALIGN_BYTES = 1 << 16,
};

/* By enum ls_write_io: flags of open(2) and pwritev2(2), and what a write's error is called. */
static const struct {
	int open_flags;
	int write_flags;
	const char *step;
} io_modes[] = {
	[LS_WRITE_BUFFERED] = { 0, 0, "write" },
	[LS_WRITE_DONTCACHE] = { 0, LS_RWF_DONTCACHE, "RWF_DONTCACHE write" },
	[LS_WRITE_DSYNC] = { O_DSYNC, 0, "O_DSYNC write" },
	[LS_WRITE_DIRECT] = { O_DIRECT, 0, "O_DIRECT write" },
};

const char *ls_writing_step(const struct ls_writing *writing)
{
	return io_modes[writing->options.io].step;
}

int ls_writing_open_flags(const struct ls_writing *writing)
{
	int append = writing->options.pattern == LS_WRITE_APPEND ? O_APPEND : 0;

	return io_modes[writing->options.io].open_flags | append;
}

static uint64_t pool_stride(const struct ls_writing *writing)
{
	return ls_round_up(writing->pieces * writing->options.size, POOL_ALIGN_BYTES);
}

/* The first writers have one write more, where they can't be shared out evenly. */
static void distribute_writes(struct ls_writing *writing)
{
	const uint64_t threads = writing->options.threads;
	uint64_t first = 0;

	for (uint32_t i = 0; i < threads; i++) {
		struct ls_writer *writer = &writing->writers[i];

		writer->writing = writing;
		writer->pool = writing->pools + i * pool_stride(writing);
		writer->first = first;
		writer->writes = writing->writes / threads + (i < writing->writes % threads);
		first += writer->writes;
		ls_histogram_init(&writer->write_latency, "write");
		ls_histogram_init(&writer->sync_latency, "sync");
	}
}

int ls_writing_reserve(struct ls_writing *writing)
{
	const uint64_t size = writing->options.size, threads = writing->options.threads;
	void *pools = NULL;

	writing->pieces = (POOL_BYTES + size - 1) / size;
	if (posix_memalign(&pools, POOL_ALIGN_BYTES, ls_size(threads * pool_stride(writing))))
		return ls_writing_fail(writing, -ENOMEM, "reserve payload", -1);
	writing->pools = pools;
	writing->writers = calloc(ls_size(threads), sizeof(*writing->writers));
	if (!writing->writers)
		return ls_writing_fail(writing, -ENOMEM, "reserve writers", -1);
	distribute_writes(writing);
	return 0;
}

void ls_writing_fill(struct ls_writing *writing)
{
	const uint64_t stride = pool_stride(writing);

	(void)ls_payload_fill((uint32_t)writing->options.payload, writing->options.seed,
			      writing->pools, stride);
	for (uint64_t i = 1; i < writing->options.threads; i++)
		memcpy(writing->pools + i * stride, writing->pools, ls_size(stride));
}

uint8_t *ls_writing_piece(const struct ls_writing *writing, uint8_t *pool, uint64_t position)
{
	uint8_t *piece = pool + position % writing->pieces * writing->options.size;

	ls_payload_mark(writing->options.payload, position, piece);
	return piece;
}

static int sync_file(struct ls_writer *writer, int64_t *since_ns)
{
	int64_t now_ns;

	if (fsync(writer->writing->file))
		return ls_writing_fail(writer->writing, -errno, "fsync", -1);
	now_ns = ls_clock_now();
	ls_histogram_record(&writer->sync_latency, (uint64_t)(now_ns - *since_ns));
	*since_ns = now_ns;
	return 0;
}

static int is_sync_due(const struct ls_writer *writer, uint64_t written)
{
	const struct ls_write_options *options = &writer->writing->options;

	return options->sync == LS_WRITE_SYNC_EVERY &&
	       (written % options->every == 0 || written == writer->writes);
}

/* One thread's part of the timed region. */
static int writer_thread(struct ls_thread_group *group, uint32_t thread)
{
	struct ls_writing *writing = group->shared;
	struct ls_writer *writer = &writing->writers[thread];
	const uint64_t size = writing->options.size;
	const int flags = io_modes[writing->options.io].write_flags;
	int64_t since_ns = thread ? ls_clock_now() : group->start_ns;

	for (uint64_t i = 0; i < writer->writes; i++) {
		uint64_t position = writer->first + i;
		uint64_t offset = writing->start + position * size;
		int err;

		if (ls_thread_group_is_cancelled(group))
			return -ECANCELED;
		err = ls_file_write(writing->file,
				    ls_writing_piece(writing, writer->pool, position), size,
				    offset, flags);
		if (err)
			return ls_writing_fail(writing, err, ls_writing_step(writing),
					       (int64_t)offset);
		writer->written_ns = ls_clock_now();
		ls_histogram_record(&writer->write_latency,
				    (uint64_t)(writer->written_ns - since_ns));
		since_ns = writer->written_ns;
		if (is_sync_due(writer, i + 1))
			err = sync_file(writer, &since_ns);
		if (err)
			return err;
	}
	writer->durable_ns = since_ns;
	return 0;
}

int ls_writing_start(struct ls_writing *writing)
{
	int err = ls_thread_group_init(&writing->group, (uint32_t)writing->options.threads,
				       writer_thread, writing);

	return err ? ls_writing_fail(writing, err, "start thread", -1) : 0;
}

static void find_end(struct ls_writing *writing)
{
	for (uint32_t i = 0; i < writing->options.threads; i++) {
		const struct ls_writer *writer = &writing->writers[i];

		if (writer->written_ns > writing->written_ns)
			writing->written_ns = writer->written_ns;
		if (writer->durable_ns > writing->durable_ns)
			writing->durable_ns = writer->durable_ns;
	}
}

int ls_writing_write(struct ls_writing *writing)
{
	int err = ls_thread_group_run(&writing->group);

	writing->start_ns = writing->group.start_ns;
	find_end(writing);
	if (!err && writing->options.sync == LS_WRITE_SYNC_END) {
		int64_t since_ns = ls_clock_now();

		err = sync_file(&writing->writers[0], &since_ns);
		writing->durable_ns = since_ns;
	}
	return err;
}
