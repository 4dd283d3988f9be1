/* SPDX-License-Identifier: Apache-2.0 */
#include "core/record.h"

#include <stdio.h>
#include <string.h>

const char *const ls_value_start_ns = "start_ns";
const char *const ls_value_ready_ns = "ready_ns";
const char *const ls_value_elapsed_ns = "elapsed_ns";
const char *const ls_value_set_up_ns = "set_up_ns";
const char *const ls_value_set_cache_ns = "set_cache_ns";
const char *const ls_value_verify_ns = "verify_ns";
const char *const ls_value_trace_ns = "trace_ns";
const char *const ls_span_release = "release";

int ls_result_fail(struct ls_result *result, int code, const char *step, const char *path,
		   int64_t offset)
{
	int32_t none = 0;

	if (!__atomic_compare_exchange_n(&result->error.code, &none, code, 0,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return code;
	snprintf(result->error.step, sizeof(result->error.step), "%s", step);
	snprintf(result->error.path, sizeof(result->error.path), "%s", path);
	result->error.offset = offset;
	return code;
}

void ls_span_add(struct ls_result *result, const char *name, uint32_t lane,
		 int64_t start_ns, int64_t end_ns)
{
	uint32_t position = __atomic_fetch_add(&result->spans_count, 1, __ATOMIC_RELAXED);
	struct ls_span *span;

	if (position >= LS_SPANS_MAX) {
		__atomic_store_n(&result->spans_count, LS_SPANS_MAX, __ATOMIC_RELAXED);
		__atomic_fetch_add(&result->spans_lost, 1, __ATOMIC_RELAXED);
		return;
	}
	span = &result->spans[position];
	snprintf(span->name, sizeof(span->name), "%s", name);
	span->lane = lane;
	span->reserved = 0;
	span->start_ns = start_ns;
	span->end_ns = end_ns;
}

void ls_value_add(struct ls_result *result, const char *name, int64_t value)
{
	struct ls_value *slot;

	if (result->values_count == LS_VALUES_MAX)
		return;
	slot = &result->values[result->values_count++];
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->value = value;
}

void ls_histogram_init(struct ls_histogram *histogram, const char *name)
{
	memset(histogram, 0, sizeof(*histogram));
	snprintf(histogram->name, sizeof(histogram->name), "%s", name);
	histogram->min_ns = UINT64_MAX;
}

struct ls_histogram *ls_histogram_take(struct ls_result *result, const char *name)
{
	struct ls_histogram *histogram;

	if (result->histograms_count == LS_HISTOGRAMS_MAX)
		return NULL;
	histogram = &result->histograms[result->histograms_count++];
	ls_histogram_init(histogram, name);
	return histogram;
}

void ls_histogram_record(struct ls_histogram *histogram, uint64_t value_ns)
{
	histogram->buckets[ls_histogram_bucket(value_ns)]++;
	histogram->count++;
	histogram->sum_ns += value_ns;
	if (value_ns < histogram->min_ns)
		histogram->min_ns = value_ns;
	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
}

void ls_histogram_merge(struct ls_histogram *target, const struct ls_histogram *source)
{
	for (uint32_t i = 0; i < LS_HISTOGRAM_BUCKETS; i++)
		target->buckets[i] += source->buckets[i];
	target->count += source->count;
	target->sum_ns += source->sum_ns;
	if (source->min_ns < target->min_ns)
		target->min_ns = source->min_ns;
	if (source->max_ns > target->max_ns)
		target->max_ns = source->max_ns;
}

uint64_t ls_histogram_bucket_start(uint32_t bucket)
{
	const uint32_t bits = LS_HISTOGRAM_SUBBUCKET_BITS;
	uint32_t row = bucket >> bits;
	uint64_t column = bucket & ((1u << bits) - 1);

	if (row == 0)
		return column;
	return ((UINT64_C(1) << bits) + column) << (row - 1);
}
