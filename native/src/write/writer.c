/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: the threads, and the timed region. */
#include <errno.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/file.h"
#include "write/folio_write.h"

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

/* Writes of one thread by pwritev2(2), those from first to before end. */
static int write_by_calls(struct ls_writer *writer, uint64_t first, uint64_t end, int64_t since_ns)
{
	struct ls_writing *writing = writer->writing;
	const uint64_t size = writing->options.size;
	const int flags = ls_writing_write_flags(writing);

	for (uint64_t i = first; i < end; i++) {
		uint64_t position = writer->first + i;
		uint64_t offset = writing->start + position * size;
		int err;

		if (ls_thread_group_is_cancelled(&writing->group))
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
	}
	return 0;
}

static int is_synced_by_each(const struct ls_writing *writing)
{
	return writing->options.sync == LS_WRITE_SYNC_EVERY;
}

/* How many of a writer's writes are done when it syncs next, or ends. */
static uint64_t next_stop(const struct ls_writer *writer, uint64_t done)
{
	const struct ls_writing *writing = writer->writing;

	if (!is_synced_by_each(writing))
		return writer->writes;
	return ls_min(done + writing->options.every, writer->writes);
}

/* One thread's part of the timed region. */
static int writer_thread(struct ls_thread_group *group, uint32_t thread)
{
	struct ls_writing *writing = group->shared;
	struct ls_writer *writer = &writing->writers[thread];
	const int has_ring = writing->options.engine == LS_WRITE_URING;
	int64_t since_ns = thread ? ls_clock_now() : group->start_ns;
	int err = has_ring ? ls_writer_enable_ring(writer) : 0;

	for (uint64_t done = 0, stop; !err && done < writer->writes; done = stop) {
		stop = next_stop(writer, done);
		err = has_ring ? ls_writer_write_by_ring(writer, done, stop)
			       : write_by_calls(writer, done, stop, since_ns);
		since_ns = writer->written_ns;
		if (!err && is_synced_by_each(writing))
			err = sync_file(writer, &since_ns);
	}
	writer->durable_ns = since_ns;
	return err;
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
