/* SPDX-License-Identifier: Apache-2.0 */
#include "page/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "system/clock.h"

enum { LONG_TIMES = 8 };

static void count(struct ls_page_count *counted, uint64_t bytes, uint64_t ns)
{
	counted->pages++;
	counted->bytes += bytes;
	counted->ns += ns;
}

static void count_size(const struct ls_reader *reader, struct ls_kind *kind, size_t bytes,
		       uint64_t ns)
{
	const uint64_t stored = ls_min(bytes, reader->page_bytes);

	count(&kind->deciles[stored * (LS_DECILES - 1) / reader->page_bytes], stored, ns);
	for (uint32_t i = 0; i < reader->thresholds_count; i++)
		if (bytes >= reader->thresholds[i])
			count(&kind->from[i], stored, ns);
}

/* What a page becomes, 0 for one that is same-filled. */
static int compress(struct ls_reader *reader, const char *page, size_t *bytes, uint64_t *ns)
{
	const int64_t start_ns = ls_clock_now();
	int err = 0;

	*bytes = 0;
	if (!ls_page_is_same_filled(page, reader->page_bytes))
		err = ls_compressor_measure(reader->compressor, page, bytes);
	*ns = (uint64_t)(ls_clock_now() - start_ns);
	return err;
}

/* One that took much longer than others do was interrupted, and is timed once more. */
static int compress_undisturbed(struct ls_reader *reader, const char *page, size_t *bytes,
				uint64_t *ns)
{
	int err = compress(reader, page, bytes, ns);
	uint64_t again_ns;

	if (!err && *ns * reader->compressed > LONG_TIMES * reader->compress_ns) {
		err = compress(reader, page, bytes, &again_ns);
		*ns = ls_min(*ns, again_ns);
	}
	reader->compressed++;
	reader->compress_ns += *ns;
	return err;
}

static int take_page(struct ls_reader *reader, struct ls_kind *kind, const char *page)
{
	size_t bytes;
	uint64_t ns;
	int err = compress_undisturbed(reader, page, &bytes, &ns);

	reader->step = "compress";
	if (err)
		return err;
	kind->seen++;
	if (bytes)
		count_size(reader, kind, bytes, ns);
	else
		count(&kind->same, 0, ns);
	if (reader->zram->fd < 0)
		return 0;
	return ls_zram_sizes_add(reader->zram, page, bytes, &reader->step);
}

/* How many pages of a run were read, which may be none of them: gone, or not to be read. */
static int read_pages(struct ls_reader *reader, int fd, uint64_t start, uint64_t pages,
		      uint64_t *ret)
{
	const int64_t start_ns = ls_clock_now();
	ssize_t got;

	do
		got = pread(fd, reader->buffer, (size_t)pages * reader->page_bytes, (off_t)start);
	while (got < 0 && errno == EINTR);
	reader->read_ns += ls_clock_now() - start_ns;
	reader->step = "read memory";
	if (got < 0) {
		*ret = 0;
		return errno == EIO ? 0 : -errno;
	}
	/* A file may end within its last page, which has zeros behind that. */
	if (fd != reader->memory && got % (ssize_t)reader->page_bytes)
		memset(reader->buffer + got, 0,
		       reader->page_bytes - (size_t)got % reader->page_bytes);
	*ret = fd == reader->memory ? (uint64_t)got / reader->page_bytes
				    : ls_round_up((uint64_t)got, reader->page_bytes) /
					      reader->page_bytes;
	return 0;
}

/* A page that is swapped by now would be swapped in, and one that is gone made anew. */
static int read_present(struct ls_reader *reader, const struct ls_range *run, uint64_t *ret)
{
	uint64_t present = run->pages;
	int err;

	if (run->source != LS_SOURCE_MEMORY)
		return read_pages(reader, reader->shared->objects[run->source].fd, run->start,
				  run->pages, ret);
	reader->step = "read pagemap";
	err = ls_pagemap_still_present(reader->pagemap, run->start, run->pages, &present);
	if (err || !present) {
		*ret = 0;
		return err;
	}
	return read_pages(reader, reader->memory, run->start, present, ret);
}

/* A page that cannot be read is lost, and the next one tried. */
static int take_run(struct ls_reader *reader, struct ls_range run)
{
	struct ls_kind *kind = &reader->kinds->all[run.kind];

	while (run.pages) {
		uint64_t got = 0, done;
		int err = read_present(reader, &run, &got);

		for (uint64_t i = 0; !err && i < got; i++)
			err = take_page(reader, kind, reader->buffer + i * reader->page_bytes);
		if (err)
			return err;
		kind->lost += !got;
		done = got ? got : 1;
		run.start += done * reader->page_bytes;
		run.pages -= done;
	}
	return 0;
}

static int is_late(const struct ls_reader *reader)
{
	return reader->deadline_ns && ls_clock_now() > reader->deadline_ns;
}

int ls_reader_read_drawn(struct ls_reader *reader, const struct ls_draw *draw)
{
	for (uint64_t i = 0; i < draw->count && !is_late(reader); i++) {
		const struct ls_drawn_page *page = &draw->pages[i];
		int err = take_run(reader, (struct ls_range){
			page->start, 1, page->kind, page->source,
		});

		if (err)
			return err;
	}
	return 0;
}

int ls_reader_read_all(struct ls_reader *reader, const struct ls_ranges *ranges)
{
	for (uint64_t i = 0; i < ranges->count; i++) {
		struct ls_range run = ranges->all[i];

		while (run.pages && !is_late(reader)) {
			struct ls_range piece = run;
			int err;

			piece.pages = ls_min(run.pages, LS_READER_PAGES);
			err = take_run(reader, piece);
			if (err)
				return err;
			run.start += piece.pages * reader->page_bytes;
			run.pages -= piece.pages;
		}
	}
	return 0;
}
