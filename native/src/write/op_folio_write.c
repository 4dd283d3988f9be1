/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation folio-write: writes a file from its start to its end in pieces of one size, and
 * records which folios of the page cache took them. The file must not exist; it is removed at
 * the end. Every piece differs from every other, where its payload allows it, so that reading
 * back shows whether each was written to its place.
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
	DEPTH_MOST = 4096,
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct ls_write_options, file, LS_REQUIRED),
	LS_NUMBER_OPTION("size", struct ls_write_options, size, LS_REQUIRED),
	LS_NUMBER_OPTION("total", struct ls_write_options, total, LS_REQUIRED),
	LS_CHOICE_OPTION("engine", struct ls_write_options, engine,
			 LS_CHOICES("pwrite", "uring"), "pwrite"),
	LS_NUMBER_OPTION("depth", struct ls_write_options, depth, "1"),
	LS_CHOICE_OPTION("pattern", struct ls_write_options, pattern,
			 LS_CHOICES("fresh", "overwrite", "append"), "fresh"),
	LS_CHOICE_OPTION("sync", struct ls_write_options, sync,
			 LS_CHOICES("end", "every", "none"), "end"),
	LS_NUMBER_OPTION("every", struct ls_write_options, every, "1"),
	LS_CHOICE_OPTION("io", struct ls_write_options, io,
			 LS_CHOICES("buffered", "dontcache", "dsync", "direct"), "buffered"),
	LS_NUMBER_OPTION("threads", struct ls_write_options, threads, "1"),
	LS_CHOICE_OPTION("prealloc", struct ls_write_options, prealloc,
			 LS_CHOICES("none", "fallocate"), "none"),
	LS_CHOICE_OPTION("payload", struct ls_write_options, payload, ls_payload_names, "random"),
	LS_NUMBER_OPTION("seed", struct ls_write_options, seed, "1"),
	LS_OPTIONS_END,
};

static int check_options(struct ls_writing *writing)
{
	const struct ls_write_options *options = &writing->options;

	if (options->size < LS_PAYLOAD_MARK_BYTES || options->size > SIZE_MOST)
		return ls_option_refuse(writing->result, "size", options->size);
	if (options->total < options->size || options->total > INT64_MAX / 2 ||
	    options->total / options->size >> LS_PAYLOAD_NUMBER_BITS)
		return ls_option_refuse(writing->result, "total", options->total);
	if (!options->every)
		return ls_option_refuse(writing->result, "every", options->every);
	if (!options->threads || options->threads > THREADS_MOST ||
	    options->threads > options->total / options->size)
		return ls_option_refuse(writing->result, "threads", options->threads);
	return ls_option_check_range(writing->result, "depth", options->depth, 1,
				     options->engine == LS_WRITE_URING ? DEPTH_MOST : 1);
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

	ls_value_add(result, ls_value_elapsed_ns, writing->durable_ns - writing->start_ns);
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
	ls_region_leave(&region, writing->start_ns);
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
		ls_value_add(ret, ls_value_set_up_ns, ls_clock_now() - start_ns);
	}
	if (!err)
		err = measure(&writing, job);
	ls_writing_release(&writing);
	if (!err)
		ls_writing_count_tracepoint(&writing);
	return err;
}

const struct ls_operation ls_folio_write_operation = { "folio-write", specs, run };
