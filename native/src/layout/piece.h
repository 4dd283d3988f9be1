/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of files, as a job names them. */
#ifndef LS_PIECE_H
#define LS_PIECE_H

#include <stdint.h>

#include "layout/sizes.h"

struct ls_piece {
	const char *path;	/* lies in the text that the pieces were parsed from */
	uint64_t offset;
	uint64_t bytes;
	uint64_t is_last;	/* it ends with the file */
	int error;		/* -errno, where it could not be read */
	struct ls_layout_sizes sizes;
};

/*
 * Parses "offset:bytes:last:path", with a comma between any two; in a path a comma, a per cent sign
 * and what is not ASCII are written %XX. text is overwritten. The caller frees *ret. -EINVAL,
 * -ERANGE for more bytes than a piece may have, -ENOMEM.
 */
int ls_pieces_parse(char *text, struct ls_piece **ret, uint32_t *count);

/* Reads a piece; data has room for LS_ENCODER_DATA_MAX. -ENODATA where the file ends within it. */
int ls_piece_read(const struct ls_piece *piece, uint8_t *data);

#endif
