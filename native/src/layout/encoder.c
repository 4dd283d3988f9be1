/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/encoder.h"

#include <errno.h>
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/size.h"

/* What a try may need beyond the room: as mkfs.erofs has it, whose sizes are to be found. */
enum { SPARE_BYTES = 32 };

/* A try that did not fit leaves its session open, in which nothing may be set. */
static int set_zstd(struct ls_encoder *encoder, ZSTD_cParameter parameter, int value)
{
	size_t got = ZSTD_CCtx_reset(encoder->state, ZSTD_reset_session_only);

	if (!ZSTD_isError(got))
		got = ZSTD_CCtx_setParameter(encoder->state, parameter, value);
	return ZSTD_isError(got) ? -EINVAL : 0;
}

static int create_state(struct ls_encoder *encoder, uint64_t level)
{
	switch (encoder->algorithm) {
	case LS_ENCODER_LZ4:
		return level ? -ERANGE : 0;
	case LS_ENCODER_LZ4HC:
		if (level < 1 || level > LZ4HC_CLEVEL_MAX)
			return -ERANGE;
		encoder->state = malloc((size_t)LZ4_sizeofStateHC());
		break;
	case LS_ENCODER_ZSTD:
		if (level < 1 || level > (uint64_t)ZSTD_maxCLevel())
			return -ERANGE;
		encoder->state = ZSTD_createCCtx();
		break;
	}
	return encoder->state ? 0 : -ENOMEM;
}

int ls_encoder_init(struct ls_encoder *encoder, enum ls_encoder_algorithm algorithm,
		    uint64_t level)
{
	int err;

	*encoder = (struct ls_encoder){ .algorithm = algorithm };
	err = create_state(encoder, level);
	if (err)
		return err;
	encoder->level = (int)level;
	encoder->output = malloc(LS_ENCODER_ROOM_MAX + SPARE_BYTES);
	if (!encoder->output)
		return -ENOMEM;
	return algorithm == LS_ENCODER_ZSTD
		       ? set_zstd(encoder, ZSTD_c_compressionLevel, encoder->level)
		       : 0;
}

void ls_encoder_deinit(struct ls_encoder *encoder)
{
	if (encoder->algorithm == LS_ENCODER_ZSTD)
		ZSTD_freeCCtx(encoder->state);
	else
		free(encoder->state);
	free(encoder->output);
}

int ls_encoder_set_window(struct ls_encoder *encoder, size_t bytes)
{
	int log = 0;

	while (bytes >> log > 1)
		log++;
	return encoder->algorithm == LS_ENCODER_ZSTD ? set_zstd(encoder, ZSTD_c_windowLog, log) : 0;
}

uint32_t ls_encoder_library_version(const struct ls_encoder *encoder)
{
	return encoder->algorithm == LS_ENCODER_ZSTD ? ZSTD_versionNumber()
						     : (uint32_t)LZ4_versionNumber();
}

static int compress_zstd(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			 size_t room, size_t *ret)
{
	*ret = ZSTD_compress2(encoder->state, encoder->output, room, data, bytes);
	if (!ZSTD_isError(*ret))
		return 0;
	if (ZSTD_getErrorCode(*ret) != ZSTD_error_dstSize_tooSmall)
		return -EIO;
	*ret = 0;
	return 0;
}

int ls_encoder_compress(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			size_t room, size_t *ret)
{
	const char *source = (const char *)data;
	int got;

	if (encoder->algorithm == LS_ENCODER_ZSTD)
		return compress_zstd(encoder, data, bytes, room, ret);
	if (encoder->algorithm == LS_ENCODER_LZ4HC)
		got = LZ4_compress_HC_extStateHC(encoder->state, source, encoder->output,
						 (int)bytes, (int)room, encoder->level);
	else
		got = LZ4_compress_default(source, encoder->output, (int)bytes, (int)room);
	*ret = got > 0 ? (size_t)got : 0;
	return 0;
}

/*
 * zstd cannot be told to stop where the room ends: the largest beginning of the data that fits is
 * searched, where the ratio so far says that it lies, else halfway.
 * Source: erofs-utils 1.9, lib/compressor_libzstd.c.
 */
static int fill_zstd(struct ls_encoder *encoder, const uint8_t *data, size_t bytes, size_t room,
		     size_t *taken, size_t *ret)
{
	size_t too_much = bytes + 1, next = room * 4;

	for (;;) {
		size_t got;
		int err;

		next = next > *taken ? next : *taken + 1;
		next = next < too_much ? next : too_much - 1;
		err = compress_zstd(encoder, data, next, room + SPARE_BYTES, &got);
		if (err)
			return err;
		if (got && got <= room) {
			*taken = next;
			*ret = got;
			if (too_much <= *taken + 1 || got + 1 >= room)
				return 0;
			next = ls_size((uint64_t)room * next / got);
		} else {
			too_much = next;
			if (too_much <= *taken + 1)
				return 0;
			next = (*taken + too_much) / 2;
		}
	}
}

int ls_encoder_fill(struct ls_encoder *encoder, const uint8_t *data, size_t bytes, size_t room,
		    size_t *taken, size_t *ret)
{
	const char *source = (const char *)data;
	int used = (int)bytes, got;

	*taken = 0;
	*ret = 0;
	if (encoder->algorithm == LS_ENCODER_ZSTD)
		return fill_zstd(encoder, data, bytes, room, taken, ret);
	if (encoder->algorithm == LS_ENCODER_LZ4HC)
		got = LZ4_compress_HC_destSize(encoder->state, source, encoder->output, &used,
					       (int)room, encoder->level);
	else
		got = LZ4_compress_destSize(source, encoder->output, &used, (int)room);
	if (got > 0) {
		*taken = (size_t)used;
		*ret = (size_t)got;
	}
	return 0;
}
