/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation file-tree: copies all that lies in a directory into a new one elsewhere, or reads
 * such a copy. What is in the source is listed before, so that the timed region has no more than
 * the copying, up to the end of syncfs(2); or the reading: directories are listed, files read as
 * a whole. In both cases the copy is compared with the source afterwards. Names of one file are
 * names of one in the copy, holes are holes; owners, times and attributes are not copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/own_name.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/region.h"
#include "tree/tree.h"

enum phase { COPY, READ };

struct options {
	const char *source;
	const char *copy;
	uint64_t phase;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("source", struct options, source, LS_REQUIRED),
	LS_TEXT_OPTION("copy", struct options, copy, LS_REQUIRED),
	LS_CHOICE_OPTION("phase", struct options, phase, LS_CHOICES("copy", "read"), "copy"),
	LS_OPTIONS_END,
};

typedef int visit(const struct ls_tree_work *work, const struct ls_tree_entry *entry);

static int open_directory(struct ls_tree_work *work, struct ls_tree_place *place, const char *step)
{
	place->fd = open(place->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place->fd < 0 ? ls_result_fail(work->result, -errno, step, place->name, -1) : 0;
}

static int open_places(struct ls_tree_work *work, const struct options *options)
{
	int err = ls_own_name_check(options->copy);

	work->source.name = options->source;
	work->copy.name = options->copy;
	if (err)
		return ls_result_fail(work->result, err, "name", options->copy, -1);
	err = open_directory(work, &work->source, "list");
	if (err)
		return err;
	if (options->phase == COPY && mkdir(options->copy, 0700))
		return ls_result_fail(work->result, -errno, "copy", options->copy, -1);
	return open_directory(work, &work->copy, "open");
}

static int reserve_block(struct ls_tree_work *work)
{
	const size_t bytes = 2 * LS_TREE_BLOCK_BYTES;

	work->block = malloc(bytes);
	if (!work->block)
		return ls_result_fail(work->result, -ENOMEM, "reserve block", work->copy.name, -1);
	/* No fault of it in the timed region. */
	for (size_t at = 0; at < bytes; at += 512)
		((volatile uint8_t *)work->block)[at] = 0;
	return 0;
}

static void report_tree(const struct ls_tree_work *work)
{
	int64_t counts[LS_TREE_NAME + 1] = { 0 }, bytes = 0;

	for (uint64_t i = 0; i < work->tree.count; i++) {
		const struct ls_tree_entry *entry = &work->tree.entries[i];

		counts[entry->kind]++;
		bytes += entry->kind == LS_TREE_FILE ? (int64_t)entry->bytes : 0;
	}
	ls_value_add(work->result, "files", counts[LS_TREE_FILE]);
	ls_value_add(work->result, "directories", counts[LS_TREE_DIRECTORY]);
	ls_value_add(work->result, "symbolic_links", counts[LS_TREE_LINK]);
	ls_value_add(work->result, "hard_links", counts[LS_TREE_NAME]);
	ls_value_add(work->result, "left_out", (int64_t)work->tree.left_out);
	ls_value_add(work->result, "bytes", bytes);
}

/* What a file system has taken: st_blocks of F2FS also counts what lies in an inode. */
static int used_bytes(const struct ls_tree_work *work, int64_t *ret)
{
	struct statfs statfs;

	if (fstatfs(work->copy.fd, &statfs))
		return ls_result_fail(work->result, -errno, "statfs", work->copy.name, -1);
	*ret = (int64_t)(statfs.f_blocks - statfs.f_bfree) * (int64_t)statfs.f_bsize;
	return 0;
}

static int visit_all(const struct ls_tree_work *work, visit *each, struct ls_histogram *latency,
		     int64_t since_ns)
{
	for (uint64_t i = 0; i < work->tree.count; i++) {
		int err = each(work, &work->tree.entries[i]);
		int64_t now_ns = ls_clock_now();

		if (err)
			return err;
		if (latency)
			ls_histogram_record(latency, (uint64_t)(now_ns - since_ns));
		since_ns = now_ns;
	}
	return 0;
}

static int sync_copy(const struct ls_tree_work *work)
{
	if (syncfs(work->copy.fd))
		return ls_result_fail(work->result, -errno, "syncfs", work->copy.name, -1);
	return 0;
}

static int measure(const struct ls_tree_work *work, const struct ls_job *job, enum phase phase)
{
	const char *name = phase == COPY ? "copy" : "read";
	struct ls_histogram *latency = ls_histogram_take(work->result, name);
	struct ls_region region;
	int64_t start_ns, visited_ns, end_ns;
	int err;

	ls_region_enter(&region, job, work->result);
	start_ns = ls_clock_now();
	err = visit_all(work, phase == COPY ? ls_tree_copy_entry : ls_tree_read_entry, latency,
			start_ns);
	visited_ns = ls_clock_now();
	if (!err && phase == COPY)
		err = sync_copy(work);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	ls_span_add(work->result, name, 0, start_ns, visited_ns);
	if (phase == COPY)
		ls_span_add(work->result, "sync", 0, visited_ns, end_ns);
	ls_value_add(work->result, ls_value_elapsed_ns, end_ns - start_ns);
	ls_region_report(&region);
	return 0;
}

static int verify(const struct ls_tree_work *work)
{
	int64_t start_ns = ls_clock_now();
	int err = visit_all(work, ls_tree_compare_entry, NULL, start_ns);

	ls_value_add(work->result, ls_value_verify_ns, ls_clock_now() - start_ns);
	return err;
}

static int copy_or_read(struct ls_tree_work *work, const struct ls_job *job, enum phase phase)
{
	int64_t before = 0, after = 0;
	int err = used_bytes(work, &before);

	if (!err)
		err = measure(work, job, phase);
	if (!err)
		err = used_bytes(work, &after);
	if (err)
		return err;
	if (phase == COPY)
		ls_value_add(work->result, "used_bytes", after - before);
	return verify(work);
}

static void release(struct ls_tree_work *work)
{
	ls_tree_deinit(&work->tree);
	free(work->block);
	ls_guard_close(&work->source.fd);
	ls_guard_close(&work->copy.fd);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct ls_tree_work work = { .result = ret, .source.fd = -1, .copy.fd = -1 };
	int64_t start_ns = ls_clock_now();
	struct options options;
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = open_places(&work, &options);
	if (!err)
		err = ls_tree_list(&work);
	if (!err)
		err = reserve_block(&work);
	if (!err) {
		report_tree(&work);
		ls_value_add(ret, ls_value_set_up_ns, ls_clock_now() - start_ns);
		err = copy_or_read(&work, job, (enum phase)options.phase);
	}
	release(&work);
	return err;
}

const struct ls_operation ls_file_tree_operation = { "file-tree", specs, run };
