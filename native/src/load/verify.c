/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "load/load.h"
#include "system/block_checksum.h"

enum { SAMPLE_STEP = 16 };

/* Where the bytes lie that a reader of the destination would see. */
static int view(struct ls_load *load, uint32_t segment, const uint8_t **ret)
{
	if (load->destination.kind == LS_DESTINATION_MAPPING) {
		*ret = load->source + segment * load->layout.segment_bytes;
		return 0;
	}
	return ls_segment_view(&load->destination, segment, ret);
}

/* A checksum block may span segments, so the sum is continued across them. */
static uint32_t sum_range(const struct ls_load *load, const uint8_t *const *views,
			  uint64_t start, uint64_t bytes)
{
	uint32_t crc = 0;

	while (bytes) {
		uint64_t segment = start / load->layout.segment_bytes;
		uint64_t within = start % load->layout.segment_bytes;
		uint64_t part = ls_min(bytes, load->layout.segment_bytes - within);

		crc = ls_crc32c_update(crc, views[segment] + within, part);
		start += part;
		bytes -= part;
	}
	return crc;
}

static int is_chosen(const struct ls_load *load, uint64_t block, uint64_t blocks)
{
	return load->options.verify == LS_VERIFY_FULL || block % SAMPLE_STEP == 0 ||
	       block + 1 == blocks;
}

static int compare(struct ls_load *load, const struct ls_checksums *sums,
		   const uint8_t *const *views)
{
	int64_t verified = 0;

	for (uint64_t i = 0; i < sums->count; i++) {
		uint64_t start = i * LS_CHECKSUM_BLOCK_BYTES;
		uint64_t bytes = ls_min(load->layout.file_bytes - start,
					       LS_CHECKSUM_BLOCK_BYTES);

		if (!is_chosen(load, i, sums->count))
			continue;
		if (sum_range(load, views, start, bytes) != sums->crcs[i])
			return ls_result_fail(load->result, -EBADMSG, "verify",
					      load->options.file, (int64_t)start);
		verified += (int64_t)bytes;
	}
	ls_value_add(load->result, "verified_bytes", verified);
	return 0;
}

int ls_load_verify(struct ls_load *load)
{
	struct ls_checksums sums = { 0 };
	LS_FREE const uint8_t **views = calloc(load->layout.segments, sizeof(*views));
	int err = views ? 0 : -ENOMEM;

	if (!err)
		err = ls_checksums_read(load->options.checksums, load->layout.file_bytes, &sums);
	if (err)
		ls_result_fail(load->result, err, "read checksums", load->options.checksums, -1);
	for (uint32_t i = 0; !err && i < load->layout.segments; i++) {
		err = view(load, i, &views[i]);
		if (!err)
			err = ls_segment_sync(&load->destination, i, 1);
	}
	if (!err)
		err = compare(load, &sums, views);
	for (uint32_t i = 0; !err && i < load->layout.segments; i++)
		err = ls_segment_sync(&load->destination, i, 0);
	ls_checksums_deinit(&sums);
	return err;
}
