/* SPDX-License-Identifier: Apache-2.0 */
/* Operation model-load: one file into memory, the way the options say. */
#include "core/operation.h"
#include "load/load.h"

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct ls_load_options, file, LS_REQUIRED),
	LS_TEXT_OPTION("heap", struct ls_load_options, heap, ""),
	LS_TEXT_OPTION("checksums", struct ls_load_options, checksums, ""),
	LS_CHOICE_OPTION("engine", struct ls_load_options, engine, ls_engine_names, LS_REQUIRED),
	LS_CHOICE_OPTION("io", struct ls_load_options, io,
			 LS_CHOICES("buffered", "direct", "dontcache"), LS_REQUIRED),
	LS_CHOICE_OPTION("destination", struct ls_load_options, destination,
			 ls_destination_names, LS_REQUIRED),
	LS_CHOICE_OPTION("export", struct ls_load_options, export,
			 LS_CHOICES("after", "beside", "before"), "after"),
	LS_NUMBER_OPTION("block", struct ls_load_options, block, "1048576"),
	LS_NUMBER_OPTION("depth", struct ls_load_options, depth, "8"),
	LS_NUMBER_OPTION("threads", struct ls_load_options, threads, "1"),
	LS_NUMBER_OPTION("buffers", struct ls_load_options, buffers, "1"),
	LS_NUMBER_OPTION("overlap", struct ls_load_options, overlap, "0"),
	LS_CHOICE_OPTION("fill", struct ls_load_options, fill,
			 LS_CHOICES("serial", "overlapped", "async"), "overlapped"),
	LS_CHOICE_OPTION("fixed", struct ls_load_options, fixed, LS_CHOICES("off", "on"), "off"),
	LS_CHOICE_OPTION("poll", struct ls_load_options, polling,
			 LS_CHOICES("none", "sq", "io", "sq+io"), "none"),
	LS_CHOICE_OPTION("advice", struct ls_load_options, advice,
			 LS_CHOICES("none", "populate", "willneed", "populate-read"), "none"),
	LS_CHOICE_OPTION("cache", struct ls_load_options, cache,
			 LS_CHOICES("cold", "warm", "as-is"), "cold"),
	LS_CHOICE_OPTION("drop", struct ls_load_options, drop, LS_CHOICES("caches", "file"),
			 "caches"),
	LS_CHOICE_OPTION("verify", struct ls_load_options, verify,
			 LS_CHOICES("full", "sampled", "off"), "off"),
	LS_NUMBER_OPTION("pressure", struct ls_load_options, pressure, "0"),
	LS_CHOICE_OPTION("again", struct ls_load_options, again, LS_CHOICES("off", "on"), "off"),
	LS_TEXT_OPTION("pressure-group", struct ls_load_options, pressure_group, ""),
	LS_NUMBER_OPTION("pressure-available", struct ls_load_options, pressure_available, "0"),
	LS_NUMBER_OPTION("expect-bytes", struct ls_load_options, expect_bytes, "0"),
	LS_NUMBER_OPTION("expect-inode", struct ls_load_options, expect_inode, "0"),
	LS_NUMBER_OPTION("expect-mtime-ns", struct ls_load_options, expect_mtime_ns, "0"),
	LS_OPTIONS_END,
};

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct ls_load_options options = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	return err ? err : ls_load_trial(job, &options, ret);
}

const struct ls_operation ls_model_load_operation = { "model-load", specs, run };
