/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation read-cost: what one io_uring read costs. Reads a file from its start
 * to its end, several times, into a window of some blocks (as many as are in
 * flight, if not told otherwise); nothing of the file is kept. The same pump as
 * model-load's engine uring.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "core/size.h"
#include "load/layout.h"
#include "load/pump.h"
#include "system/file.h"

enum {
	WINDOW_ALIGN_BYTES = 2 << 20,
	DEPTH_MAX = 4096,
	WINDOW_BYTES_MAX = 1 << 30,	/* the most that one registered buffer may have */
};

struct options {
	const char *file;
	uint64_t is_direct;
	uint64_t block;
	uint64_t depth;
	uint64_t fixed;
	uint64_t passes;
	uint64_t latency;
	uint64_t window;	/* blocks */
};

#define OPTION(name, key, kind, choices, fallback) \
	{ name, kind, choices, fallback, offsetof(struct options, key) }

static const struct ls_option_spec specs[] = {
	OPTION("file", file, LS_OPTION_TEXT, NULL, NULL),
	OPTION("io", is_direct, LS_OPTION_CHOICE, "buffered direct", NULL),
	OPTION("block", block, LS_OPTION_NUMBER, NULL, "4096"),
	OPTION("depth", depth, LS_OPTION_NUMBER, NULL, "32"),
	OPTION("fixed", fixed, LS_OPTION_CHOICE, "off on", "on"),
	OPTION("passes", passes, LS_OPTION_NUMBER, NULL, "1"),
	OPTION("latency", latency, LS_OPTION_CHOICE, "off on", "on"),
	OPTION("window", window, LS_OPTION_NUMBER, NULL, "0"),
	{ NULL, 0, NULL, NULL, 0 },
};

struct tour {
	const struct options *options;
	uint8_t *window;
	uint64_t blocks;	/* whole ones in the file */
	uint64_t next;
	uint64_t end;
};

static int next(void *context, struct ls_read *ret)
{
	struct tour *tour = context;
	uint64_t block = tour->options->block;

	if (tour->next == tour->end)
		return 0;
	ret->addr = tour->window + tour->next % tour->options->window * block;
	ret->file_offset = tour->next % tour->blocks * block;
	ret->bytes = ret->request_bytes = (uint32_t)block;
	ret->buffer = tour->options->fixed ? 0 : -1;
	tour->next++;
	return 1;
}

static int never(void *context)
{
	(void)context;
	return -EDEADLK;
}

static int tour_file(const struct options *options, int fd, struct tour *tour,
		     struct ls_result *ret)
{
	struct ls_pump_options pump_options = {
		.depth = (uint32_t)options->depth,
		.fd = fd,
		.path = options->file,
		.is_direct = (int)options->is_direct,
		.registers_file = (int)options->fixed,
		.histogram = options->latency ? ls_histogram_take(ret, "read") : NULL,
	};
	struct ls_read_source source = { .next = next, .wait = never, .context = tour };
	struct iovec window = { tour->window, ls_size(options->block * options->window) };
	struct ls_usage before, after;
	struct ls_pump pump;
	int64_t start_ns;
	int err = ls_pump_reserve(&pump, &pump_options, ret);

	if (!err)
		err = ls_pump_open(&pump);
	if (!err && options->fixed)
		err = ls_pump_register(&pump, &window, 1);
	ls_usage_read(&before);
	start_ns = ls_clock_now();
	if (!err)
		err = ls_pump_run(&pump, &source);
	ls_value_add(ret, "elapsed_ns", ls_clock_now() - start_ns);
	ls_usage_read(&after);
	ls_usage_add(ret, &before, &after);
	ls_pump_deinit(&pump);
	return err;
}

/* On huge pages where there are some: few segments a request, as fio has with --iomem=mmaphuge. */
static void *reserve_window(uint64_t bytes)
{
	const size_t whole = ls_size(ls_round_up(bytes, WINDOW_ALIGN_BYTES));
	void *window = NULL;

	if (posix_memalign(&window, WINDOW_ALIGN_BYTES, whole))
		return NULL;
	(void)madvise(window, whole, MADV_HUGEPAGE);
	memset(window, 0, ls_size(bytes));
	return window;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct tour tour = { .options = &options };
	LS_FREE void *window = NULL;
	LS_CLOSE int fd = -1;
	struct stat stat;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = ls_file_facts(options.file, &stat);
	if (err)
		return ls_result_fail(ret, err, "open", options.file, -1);
	fd = open(options.file, O_RDONLY | O_CLOEXEC | (options.is_direct ? O_DIRECT : 0));
	if (fd < 0 || fstat(fd, &stat))
		return ls_result_fail(ret, -errno, "open", options.file, -1);
	if (!options.window)
		options.window = options.depth;
	if (!options.block || !options.depth || options.depth > DEPTH_MAX ||
	    options.window > WINDOW_BYTES_MAX / options.block)
		return ls_result_fail(ret, -ERANGE, "option", "block, depth, window", -1);
	tour.blocks = (uint64_t)stat.st_size / options.block;
	tour.end = tour.blocks * options.passes;
	if (!tour.blocks)
		return ls_result_fail(ret, -ENODATA, "file shorter than block", options.file, -1);
	window = reserve_window(options.block * options.window);
	if (!window)
		return ls_result_fail(ret, -ENOMEM, "reserve window", "memory", -1);
	tour.window = window;
	err = tour_file(&options, fd, &tour, ret);
	ls_value_add(ret, "operations", (int64_t)tour.end);
	ls_value_add(ret, "bytes", (int64_t)(tour.end * options.block));
	return err;
}

const struct ls_operation ls_read_cost_operation = { "read-cost", specs, run };
