/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation folio-write: writes a file from its start to its end in pieces of one
 * size, and tells which folios of the page cache took them. The file must not
 * exist; it is removed at the end. Every piece differs from every other, where its
 * payload lets it, so that what is read back tells whether each came where it belongs.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/operation.h"
#include "core/payload.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/region.h"
#include "write/folio_write.h"

enum {
	SIZE_MOST = 1 << 30,
	THREADS_MOST = 256,
};

#define OPTION(key, kind, choices, fallback) \
	{ #key, kind, choices, fallback, offsetof(struct ls_write_options, key) }

static const struct ls_option_spec specs[] = {
	OPTION(file, LS_OPTION_TEXT, NULL, NULL),
	OPTION(size, LS_OPTION_NUMBER, NULL, NULL),
	OPTION(total, LS_OPTION_NUMBER, NULL, NULL),
	OPTION(pattern, LS_OPTION_CHOICE, "fresh overwrite append", "fresh"),
	OPTION(sync, LS_OPTION_CHOICE, "end every none", "end"),
	OPTION(every, LS_OPTION_NUMBER, NULL, "1"),
	OPTION(io, LS_OPTION_CHOICE, "buffered dontcache dsync direct", "buffered"),
	OPTION(threads, LS_OPTION_NUMBER, NULL, "1"),
	OPTION(prealloc, LS_OPTION_CHOICE, "none fallocate", "none"),
	OPTION(payload, LS_OPTION_CHOICE, LS_PAYLOAD_NAMES, "random"),
	OPTION(seed, LS_OPTION_NUMBER, NULL, "1"),
	{ NULL, 0, NULL, NULL, 0 },
};

static int refuse_option(const struct ls_writing *writing, const char *key, uint64_t value)
{
	return ls_result_fail(writing->result, -ERANGE, "option", key,
			      value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static int check_options(struct ls_writing *writing)
{
	const struct ls_write_options *options = &writing->options;

	if (options->size < LS_PAYLOAD_MARK_BYTES || options->size > SIZE_MOST)
		return refuse_option(writing, "size", options->size);
	if (options->total < options->size || options->total > INT64_MAX / 2 ||
	    options->total / options->size >> LS_PAYLOAD_NUMBER_BITS)
		return refuse_option(writing, "total", options->total);
	if (!options->every)
		return refuse_option(writing, "every", options->every);
	if (!options->threads || options->threads > THREADS_MOST ||
	    options->threads > options->total / options->size)
		return refuse_option(writing, "threads", options->threads);
	return 0;
}

static void report_latencies(struct ls_writing *writing)
{
	struct ls_histogram *writes = ls_histogram_take(writing->result, "write");
	struct ls_histogram *syncs = NULL;

	if (writing->options.sync != LS_WRITE_SYNC_NONE)
		syncs = ls_histogram_take(writing->result, "sync");
	for (uint32_t i = 0; i < writing->options.threads; i++) {
		ls_histogram_merge(writes, &writing->writers[i].write_latency);
		if (syncs)
			ls_histogram_merge(syncs, &writing->writers[i].sync_latency);
	}
}

static void report_spans(const struct ls_writing *writing)
{
	struct ls_result *result = writing->result;

	for (uint32_t i = 0; i < writing->options.threads; i++) {
		const struct ls_writer *writer = &writing->writers[i];

		ls_span_add(result, "write", i, writing->start_ns, writer->written_ns);
		if (writing->options.sync == LS_WRITE_SYNC_EVERY)
			ls_span_add(result, "sync", i, writer->written_ns, writer->durable_ns);
	}
	if (writing->options.sync == LS_WRITE_SYNC_END)
		ls_span_add(result, "sync", 0, writing->written_ns, writing->durable_ns);
}

static void report_times(const struct ls_writing *writing)
{
	struct ls_result *result = writing->result;

	ls_value_add(result, "elapsed_ns", writing->durable_ns - writing->start_ns);
	ls_value_add(result, "write_ns", writing->written_ns - writing->start_ns);
	ls_value_add(result, "writes", (int64_t)writing->writes);
	ls_value_add(result, "bytes", (int64_t)(writing->writes * writing->options.size));
	if (writing->options.sync != LS_WRITE_SYNC_NONE)
		ls_value_add(result, "durable_ns", writing->durable_ns - writing->start_ns);
}

static int measure(struct ls_writing *writing, const struct ls_job *job)
{
	struct ls_region region;
	int err;

	ls_region_enter(&region, job, writing->result);
	err = ls_writing_write(writing);
	ls_region_leave(&region);
	ls_value_add(writing->result, "start_ns", writing->start_ns);
	if (err)
		return err;
	report_spans(writing);
	report_latencies(writing);
	report_times(writing);
	ls_region_report(&region);
	ls_writing_report_cache(writing);
	return ls_writing_verify(writing);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct ls_writing writing = { .result = ret, .plain = -1, .file = -1 };
	int64_t start_ns = ls_clock_now();
	int err = ls_options_parse(specs, job, &writing.options, ret);

	if (!err)
		err = check_options(&writing);
	if (!err) {
		err = ls_writing_set_up(&writing);
		ls_value_add(ret, "cached_before_bytes", writing.cached_before_bytes);
		ls_value_add(ret, "set_up_ns", ls_clock_now() - start_ns);
	}
	if (!err)
		err = measure(&writing, job);
	ls_writing_release(&writing);
	if (!err)
		ls_writing_count_tracepoint(&writing);
	return err;
}

const struct ls_operation ls_folio_write_operation = { "folio-write", specs, run };
