/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding and comparing of byte counts. */
#ifndef LS_ARITHMETIC_H
#define LS_ARITHMETIC_H

#include <stdint.h>

static inline uint64_t ls_round_up(uint64_t value, uint64_t step)
{
	return (value + step - 1) / step * step;
}

static inline uint64_t ls_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t ls_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
