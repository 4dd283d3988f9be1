/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of bytes and of things are 64 bits wide everywhere; memory is not. */
#ifndef LS_SIZE_H
#define LS_SIZE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A count as a size_t. More than a 32-bit machine can address becomes SIZE_MAX: memory of that
 * size is refused, as it must be, and reads and writes, which may be short anyway, continue
 * after it.
 */
static inline size_t ls_size(uint64_t count)
{
	size_t size = (size_t)count;

	return size == count ? size : SIZE_MAX;
}

#endif
