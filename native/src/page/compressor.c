/* SPDX-License-Identifier: Apache-2.0 */
#include "page/compressor.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <zstd.h>

enum { ACCELERATION_MAX = 65537, ZSTD_LEVEL_DEFAULT = 3 };

static int init_lz4(struct ls_compressor *compressor, uint64_t level)
{
	if (level > ACCELERATION_MAX)
		return -ERANGE;
	compressor->level = level ? (int)level : 1;
	compressor->output_bytes = (size_t)LZ4_compressBound((int)compressor->page_bytes);
	compressor->state = malloc((size_t)LZ4_sizeofState());
	return compressor->state ? 0 : -ENOMEM;
}

static int init_zstd(struct ls_compressor *compressor, uint64_t level)
{
	if (level > (uint64_t)ZSTD_maxCLevel())
		return -ERANGE;
	compressor->level = level ? (int)level : ZSTD_LEVEL_DEFAULT;
	compressor->output_bytes = ZSTD_compressBound(compressor->page_bytes);
	compressor->state = ZSTD_createCCtx();
	return compressor->state ? 0 : -ENOMEM;
}

int ls_compressor_init(struct ls_compressor *compressor, enum ls_compressor_algorithm algorithm,
		       uint64_t level, size_t page_bytes)
{
	int err;

	*compressor = (struct ls_compressor){ .algorithm = algorithm, .page_bytes = page_bytes };
	err = algorithm == LS_COMPRESSOR_LZ4 ? init_lz4(compressor, level)
					     : init_zstd(compressor, level);
	if (err)
		return err;
	compressor->output = malloc(compressor->output_bytes);
	return compressor->output ? 0 : -ENOMEM;
}

void ls_compressor_deinit(struct ls_compressor *compressor)
{
	if (compressor->algorithm == LS_COMPRESSOR_ZSTD)
		ZSTD_freeCCtx(compressor->state);
	else
		free(compressor->state);
	free(compressor->output);
}

int ls_compressor_measure(struct ls_compressor *compressor, const void *page, size_t *ret)
{
	int got;

	if (compressor->algorithm == LS_COMPRESSOR_ZSTD) {
		*ret = ZSTD_compressCCtx(compressor->state, compressor->output,
					 compressor->output_bytes, page, compressor->page_bytes,
					 compressor->level);
		return ZSTD_isError(*ret) ? -EIO : 0;
	}
	got = LZ4_compress_fast_extState(compressor->state, page, compressor->output,
					 (int)compressor->page_bytes,
					 (int)compressor->output_bytes, compressor->level);
	*ret = (size_t)got;
	return got > 0 ? 0 : -EIO;
}

int ls_page_is_same_filled(const void *page, size_t page_bytes)
{
	const size_t count = page_bytes / sizeof(unsigned long);
	const unsigned long *words = page;

	/* Most pages that are not differ here already. */
	if (words[0] != words[count - 1])
		return 0;
	for (size_t i = 1; i < count; i++)
		if (words[i] != words[0])
			return 0;
	return 1;
}
