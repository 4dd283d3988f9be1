/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <inttypes.h>
#include <string.h>

/* Unicode 15, table 3-7: what may follow the first byte of a sequence. */
static size_t sequence_bytes(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* How many bytes one character takes, or one piece that is none: then *is_valid is 0. */
static size_t next_piece(const unsigned char *text, int *is_valid)
{
	unsigned char low, high;
	size_t bytes = sequence_bytes(*text, &low, &high);

	*is_valid = 0;
	for (size_t i = 1; i < bytes; i++) {
		if (text[i] < low || text[i] > high)
			return i;
		low = 0x80;
		high = 0xbf;
	}
	*is_valid = bytes > 0;
	return bytes ? bytes : 1;
}

void ls_json_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	int is_valid;

	putc('"', out);
	while (*at) {
		size_t bytes = next_piece(at, &is_valid);

		if (!is_valid)
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\' || *at < ' ')
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, bytes, out);
		at += bytes;
	}
	putc('"', out);
}

static void put_error(FILE *out, const struct ls_error *error)
{
	if (!error->code) {
		fputs("null", out);
		return;
	}
	fprintf(out, "{\"code\": %" PRId32 ", \"step\": ", -error->code);
	ls_json_text(out, error->step);
	fputs(", \"path\": ", out);
	ls_json_text(out, error->path);
	fprintf(out, ", \"offset\": %" PRId64 "}", error->offset);
}

static int is_start(const struct ls_value *value)
{
	return !strcmp(value->name, ls_value_start_ns);
}

/* When the timed region began: what spans count from. */
static int64_t start_of(const struct ls_result *result)
{
	int64_t start_ns = 0;

	for (uint32_t i = 0; i < result->values_count; i++)
		if (is_start(&result->values[i]))
			start_ns = result->values[i].value;
	return start_ns;
}

static void put_spans(FILE *out, const struct ls_result *result)
{
	const int64_t start_ns = start_of(result);

	for (uint32_t i = 0; i < result->spans_count; i++) {
		const struct ls_span *span = &result->spans[i];

		fputs(i ? ", {\"name\": " : "{\"name\": ", out);
		ls_json_text(out, span->name);
		fprintf(out, ", \"lane\": %" PRIu32 ", \"start_ns\": %" PRId64
			", \"end_ns\": %" PRId64 "}",
			span->lane, span->start_ns - start_ns, span->end_ns - start_ns);
	}
}

static void put_buckets(FILE *out, const struct ls_histogram *histogram)
{
	const char *between = "";

	for (uint32_t i = 0; i < LS_HISTOGRAM_BUCKETS; i++) {
		if (!histogram->buckets[i])
			continue;
		fprintf(out, "%s\"%" PRIu64 "\": %" PRIu64, between,
			ls_histogram_bucket_start(i), histogram->buckets[i]);
		between = ", ";
	}
}

static void put_histogram(FILE *out, const struct ls_histogram *histogram)
{
	fputs("{\"name\": ", out);
	ls_json_text(out, histogram->name);
	fprintf(out, ", \"count\": %" PRIu64 ", \"min_ns\": %" PRIu64 ", \"max_ns\": %" PRIu64
		", \"sum_ns\": %" PRIu64 ", \"buckets\": {",
		histogram->count, histogram->count ? histogram->min_ns : 0, histogram->max_ns,
		histogram->sum_ns);
	put_buckets(out, histogram);
	fputs("}}", out);
}

static void put_values(FILE *out, const struct ls_result *result)
{
	const char *between = "";

	for (uint32_t i = 0; i < result->values_count; i++) {
		const struct ls_value *value = &result->values[i];

		if (is_start(value))
			continue;
		fputs(between, out);
		ls_json_text(out, value->name);
		fprintf(out, ": %" PRId64, value->value);
		between = ", ";
	}
	if (result->spans_lost)
		fprintf(out, "%s\"spans_lost\": %" PRIu32, between, result->spans_lost);
}

static void put_samples(FILE *out, const struct ls_job *job, const char *texts)
{
	for (uint32_t i = 0; i < job->samples_count; i++) {
		fputs(i ? ", " : "", out);
		ls_json_text(out, job->samples[i]);
		fputs(": ", out);
		ls_json_text(out, texts + (size_t)i * LS_SAMPLE_BYTES);
	}
}

void ls_json_result(FILE *out, const struct ls_job *job, const struct ls_result *result)
{
	fputs("{\"error\": ", out);
	put_error(out, &result->error);
	fputs(", \"death\": null, \"spans\": [", out);
	put_spans(out, result);
	fputs("], \"histograms\": [", out);
	for (uint32_t i = 0; i < result->histograms_count; i++) {
		fputs(i ? ", " : "", out);
		put_histogram(out, &result->histograms[i]);
	}
	fputs("], \"values\": {", out);
	put_values(out, result);
	fputs("}, \"before\": {", out);
	put_samples(out, job, result->before);
	fputs("}, \"after\": {", out);
	put_samples(out, job, result->after);
	fputs("}}\n", out);
}

static void put_nothing(FILE *out)
{
	fputs(", \"spans\": [], \"histograms\": [], \"values\": {}, \"before\": {}, \"after\": {}}\n",
	      out);
}

void ls_json_error(FILE *out, const struct ls_error *error)
{
	fputs("{\"error\": ", out);
	put_error(out, error);
	fputs(", \"death\": null", out);
	put_nothing(out);
}

void ls_json_death(FILE *out, const char *death)
{
	fputs("{\"error\": null, \"death\": ", out);
	ls_json_text(out, death);
	put_nothing(out);
}
