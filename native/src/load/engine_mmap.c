/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines mmap (the file's mapping is the destination, every page touched) and
 * mmap-copy (memcpy from the mapping, what most loaders do).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "core/arithmetic.h"
#include "core/size.h"
#include "load/load.h"
#include "system/clock.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Readahead is asked for once, for the whole file. */
static int advise(struct ls_reader *reader)
{
	const struct ls_load *load = reader->load;

	if (reader->lane || load->options.advice != LS_ADVICE_WILLNEED)
		return 0;
	if (madvise(load->source, ls_size(load->layout.file_bytes), MADV_WILLNEED))
		return ls_reader_fail(reader, -errno, "MADV_WILLNEED", -1);
	return 0;
}

static int populate(struct ls_reader *reader, const struct ls_extent *extent)
{
	const struct ls_load *load = reader->load;
	uint64_t page = load->destination.page_bytes;
	uint64_t start = extent->file_offset / page * page;
	uint64_t bytes = extent->file_offset + extent->bytes - start;

	if (load->options.advice != LS_ADVICE_POPULATE_READ)
		return 0;
	if (madvise(load->source + start, ls_size(ls_round_up(bytes, page)), MADV_POPULATE_READ))
		return ls_reader_fail(reader, -errno, "MADV_POPULATE_READ",
				      (int64_t)extent->file_offset);
	return 0;
}

static void touch(const struct ls_load *load, const struct ls_extent *extent)
{
	const volatile uint8_t *bytes = load->source + extent->file_offset;

	for (uint64_t at = 0; at < extent->bytes; at += load->destination.page_bytes)
		(void)bytes[at];
	(void)bytes[extent->bytes - 1];
}

/*
 * Page by page, for memcpy has no order: glibc's for x86-64 copies what is larger and as
 * aligned on both sides from its end. Read-ahead of a mapping does not follow that; each
 * 64 KiB then cost a major fault with nothing in flight.
 */
static void copy(const struct ls_reader *reader, const struct ls_extent *extent)
{
	const struct ls_load *load = reader->load;
	const uint8_t *from = load->source + extent->file_offset;
	uint8_t *to = ls_reader_addr(reader, extent);
	uint64_t page = load->destination.page_bytes;
	uint64_t bytes;

	for (uint64_t at = 0; at < extent->bytes; at += bytes) {
		bytes = ls_min(page - (extent->file_offset + at) % page, extent->bytes - at);
		/* No more than a page, which every size_t holds. */
		memcpy(to + at, from + at, (size_t)bytes);
	}
}

static int read_all(struct ls_reader *reader)
{
	const struct ls_load *load = reader->load;
	int is_copying = load->destination.kind != LS_DESTINATION_MAPPING;
	struct ls_extent extent;
	int more;

	while ((more = ls_reader_next(reader, &extent)) > 0) {
		int64_t start_ns = ls_clock_now();
		int err = populate(reader, &extent);

		if (err)
			return err;
		if (is_copying)
			copy(reader, &extent);
		else
			touch(load, &extent);
		ls_reader_record(reader, &start_ns);
	}
	return more;
}

static int check_mapping(struct ls_load *load)
{
	return load->destination.kind == LS_DESTINATION_MAPPING ? 0 : -EOPNOTSUPP;
}

static int check_copy(struct ls_load *load)
{
	return load->destination.kind != LS_DESTINATION_MAPPING ? 0 : -EOPNOTSUPP;
}

const struct ls_engine ls_engine_mmap = {
	.maps_file = 1,
	.check = check_mapping,
	.prepare = advise,
	.read = read_all,
};

const struct ls_engine ls_engine_mmap_copy = {
	.maps_file = 1,
	.check = check_copy,
	.prepare = advise,
	.read = read_all,
};
