/* SPDX-License-Identifier: Apache-2.0 */
/* How small a page becomes under a compressor that zram has, by its user-space library. */
#ifndef LS_COMPRESSOR_H
#define LS_COMPRESSOR_H

#include <stddef.h>
#include <stdint.h>

enum ls_compressor_algorithm { LS_COMPRESSOR_LZ4, LS_COMPRESSOR_ZSTD };

struct ls_compressor {
	enum ls_compressor_algorithm algorithm;
	int level;		/* of lz4 the acceleration */
	size_t page_bytes;
	void *state;
	char *output;
	size_t output_bytes;
};

/*
 * level 0 is what zram takes where nobody says: acceleration 1 of lz4, level 3 of zstd.
 * -ERANGE for one that there is not, -ENOMEM.
 */
int ls_compressor_init(struct ls_compressor *compressor, enum ls_compressor_algorithm algorithm,
		       uint64_t level, size_t page_bytes);
void ls_compressor_deinit(struct ls_compressor *compressor);

/* How many bytes a page becomes, which may be more than it has; -EIO if it cannot be compressed. */
int ls_compressor_measure(struct ls_compressor *compressor, const void *page, size_t *ret);

/* Whether a page is one word over and over: zram looks for these first, and stores the word. */
int ls_page_is_same_filled(const void *page, size_t page_bytes);

#endif
