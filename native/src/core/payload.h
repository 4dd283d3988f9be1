/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pages hold, by class (enum ls_payload, filled by ls_payload_fill): so a
 * compressor, or zram, finds in them what it finds in such pages elsewhere. A piece
 * of most classes can carry a number in its first bytes without leaving its class.
 */
#ifndef LS_PAYLOAD_H
#define LS_PAYLOAD_H

#include <stdint.h>

#include "loadstone.h"

enum {
	LS_PAYLOAD_MARK_BYTES = 8,
	LS_PAYLOAD_NUMBER_BITS = 40,
};

/* By enum ls_payload; ends with NULL. */
extern const char *const ls_payload_names[];

/* Pages of one word would be that no more with another one among them. */
static inline int ls_payload_has_marks(uint64_t payload)
{
	return payload != LS_PAYLOAD_ZERO && payload != LS_PAYLOAD_SAME_FILLED;
}

/* Writes a number of LS_PAYLOAD_NUMBER_BITS into a piece, in its class's own manner. */
void ls_payload_mark(uint64_t payload, uint64_t number, uint8_t *piece);

/* The number that a piece was marked with; undefined for one that was not. */
uint64_t ls_payload_number(uint64_t payload, const uint8_t *piece);

#endif
