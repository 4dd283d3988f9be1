/* SPDX-License-Identifier: Apache-2.0 */
/* Writing into a result: errors, spans, values, histograms. */
#ifndef LS_RECORD_H
#define LS_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "loadstone.h"

/* Keeps the first error of all threads; returns code, so that callers return it on. */
int ls_result_fail(struct ls_result *result, int code, const char *step, const char *path,
		   int64_t offset);

/* Safe from any thread; counts in spans_lost when the array is full. */
void ls_span_add(struct ls_result *result, const char *name, uint32_t lane,
		 int64_t start_ns, int64_t end_ns);

/* From the calling thread only. */
void ls_value_add(struct ls_result *result, const char *name, int64_t value);

/* An empty histogram of the result, its memory touched; NULL when all are taken. */
struct ls_histogram *ls_histogram_take(struct ls_result *result, const char *name);

/* Adds what source counted to target. */
void ls_histogram_merge(struct ls_histogram *target, const struct ls_histogram *source);

void ls_histogram_init(struct ls_histogram *histogram, const char *name);

static inline uint32_t ls_histogram_bucket(uint64_t value_ns)
{
	const uint32_t bits = LS_HISTOGRAM_SUBBUCKET_BITS;
	uint32_t shift, bucket;

	if (value_ns < (UINT64_C(1) << bits))
		return (uint32_t)value_ns;
	shift = 63u - (uint32_t)__builtin_clzll(value_ns) - bits;
	if (shift >= 36)
		return LS_HISTOGRAM_BUCKETS - 1;
	bucket = ((shift + 1) << bits) + (uint32_t)((value_ns >> shift) - (UINT64_C(1) << bits));
	return bucket;
}

#endif
