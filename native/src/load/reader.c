/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "load/load.h"
#include "system/clock.h"

int ls_reader_fail(struct ls_reader *reader, int code, const char *step, int64_t offset)
{
	return ls_result_fail(reader->load->result, code, step, reader->load->options.file, offset);
}

void ls_reader_pause(struct ls_reader *reader)
{
	if (!reader->busy_since_ns)
		return;
	ls_span_add(reader->load->result, "read", reader->lane, reader->busy_since_ns,
		    ls_clock_now());
	reader->busy_since_ns = 0;
}

void ls_reader_resume(struct ls_reader *reader)
{
	if (!reader->busy_since_ns)
		reader->busy_since_ns = ls_clock_now();
}

int ls_reader_take(struct ls_reader *reader, struct ls_extent *ret)
{
	struct ls_load *load = reader->load;

	for (;;) {
		uint64_t block = __atomic_fetch_add(&load->next_block, 1, __ATOMIC_RELAXED);

		if (block >= load->layout.blocks || ls_watermark_is_stopped(&load->watermark))
			return 0;
		ls_layout_block(&load->layout, block, ret);
		if (ret->bytes)
			return 1;
	}
}

int ls_reader_await(struct ls_reader *reader, const struct ls_extent *extent)
{
	struct ls_watermark *watermark = &reader->load->watermark;
	uint64_t end = extent->file_offset + extent->bytes;
	int err;

	if (ls_watermark_reached(watermark, end))
		return 0;
	ls_reader_pause(reader);
	err = ls_watermark_wait(watermark, end);
	ls_reader_resume(reader);
	return err;
}

int ls_reader_next(struct ls_reader *reader, struct ls_extent *ret)
{
	int more = ls_reader_take(reader, ret);
	int err = more ? ls_reader_await(reader, ret) : 0;

	return err ? err : more;
}

void ls_reader_first_byte(struct ls_reader *reader, int64_t now_ns)
{
	int64_t none = 0;

	__atomic_compare_exchange_n(&reader->load->first_byte_ns, &none, now_ns, 0,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void ls_reader_record(struct ls_reader *reader, int64_t *since_ns)
{
	int64_t now_ns = ls_clock_now();

	ls_histogram_record(reader->histogram, (uint64_t)(now_ns - *since_ns));
	if (!__atomic_load_n(&reader->load->first_byte_ns, __ATOMIC_RELAXED))
		ls_reader_first_byte(reader, now_ns);
	*since_ns = now_ns;
}

uint8_t *ls_reader_addr(const struct ls_reader *reader, const struct ls_extent *extent)
{
	return ls_segment_addr(&reader->load->destination, extent->segment, extent->segment_offset);
}

static int prepare(struct ls_reader *reader)
{
	int64_t start_ns = ls_clock_now();
	int err;

	if (!reader->load->engine->prepare)
		return 0;
	err = reader->load->engine->prepare(reader);
	ls_span_add(reader->load->result, "prepare", reader->lane, start_ns, ls_clock_now());
	return err;
}

static void run_reader(struct ls_reader *reader)
{
	reader->err = prepare(reader);
	if (!reader->err) {
		ls_reader_resume(reader);
		reader->err = reader->load->engine->read(reader);
		ls_reader_pause(reader);
	}
	if (reader->err)
		ls_watermark_stop(&reader->load->watermark);
}

static void release_reader(struct ls_reader *reader)
{
	if (reader->load->engine->release)
		reader->load->engine->release(reader);
}

/* A ring may be used by the thread that made it only, also to unregister its buffers. */
static void *reader_thread(void *argument)
{
	struct ls_reader *reader = argument;

	run_reader(reader);
	ls_latch_arrive_and_wait(&reader->load->read_done);
	release_reader(reader);
	return NULL;
}

static int start_readers(struct ls_load *load)
{
	for (uint32_t i = 1; i < load->readers_count; i++) {
		struct ls_reader *reader = &load->readers[i];
		int err = pthread_create(&reader->thread, NULL, reader_thread, reader);

		if (err)
			return ls_reader_fail(reader, -err, "start reader thread", -1);
		load->readers_started++;
	}
	return 0;
}

int ls_load_read(struct ls_load *load)
{
	int err = start_readers(load);

	if (err)
		ls_watermark_stop(&load->watermark);
	else
		run_reader(&load->readers[0]);
	ls_latch_wait_for(&load->read_done, load->readers_started);
	for (uint32_t i = 0; !err && i < load->readers_count; i++)
		err = load->readers[i].err;
	return err;
}

void ls_load_release_readers(struct ls_load *load)
{
	ls_latch_release(&load->read_done);
	for (uint32_t i = 0; i < load->readers_count; i++)
		if (i == 0 || i > load->readers_started)
			release_reader(&load->readers[i]);
		else
			pthread_join(load->readers[i].thread, NULL);
	load->readers_started = 0;
}
