/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compressor makes of a stretch of data: its size where the room is given, and how much of
 * the data a given room takes. By the libraries that mkfs.erofs has, and whose code the kernel has.
 */
#ifndef LS_ENCODER_H
#define LS_ENCODER_H

#include <stddef.h>
#include <stdint.h>

enum ls_encoder_algorithm { LS_ENCODER_LZ4, LS_ENCODER_LZ4HC, LS_ENCODER_ZSTD };

/* The most data, and the most room, that an encoder is given at once. */
enum { LS_ENCODER_DATA_MAX = 16 << 20, LS_ENCODER_ROOM_MAX = 2 << 20 };

struct ls_encoder {
	enum ls_encoder_algorithm algorithm;
	int level;
	void *state;
	char *output;
};

/* -ERANGE for a level that there is not: lz4 has 0 only, lz4hc 1 to 12, zstd 1 to 22; -ENOMEM. */
int ls_encoder_init(struct ls_encoder *encoder, enum ls_encoder_algorithm algorithm,
		    uint64_t level);
void ls_encoder_deinit(struct ls_encoder *encoder);

/*
 * How far back zstd looks from now on, a power of two in bytes; 0: as far as its level has it. 0, or
 * -EINVAL for one that there is not.
 */
int ls_encoder_set_window(struct ls_encoder *encoder, size_t bytes);

/* Of 1.5.4 it is 10504. */
uint32_t ls_encoder_library_version(const struct ls_encoder *encoder);

/* How many bytes the data becomes; 0 where that is more than the room. -EIO if it cannot be. */
int ls_encoder_compress(struct ls_encoder *encoder, const uint8_t *data, size_t bytes,
			size_t room, size_t *ret);

/*
 * Compresses as much of the data as fits into the room. *taken is how much that is, and *ret what
 * it becomes; both are 0 where nothing fits.
 */
int ls_encoder_fill(struct ls_encoder *encoder, const uint8_t *data, size_t bytes, size_t room,
		    size_t *taken, size_t *ret);

#endif
