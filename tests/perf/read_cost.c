/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one read of the core's own io_uring queue costs. Reads a file from its start to its
 * end, several times, into a window of as many blocks as are in flight; nothing of the file
 * is kept. Prints how many reads there were, their bytes, and the nanoseconds they took.
 *
 * Usage: read_cost FILE buffered|direct BLOCK DEPTH PASSES latency|none
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/record.h"
#include "core/size.h"
#include "system/uring_queue.h"
#include "system/clock.h"

enum { WINDOW_ALIGN_BYTES = 2 << 20 };

struct pass {
	uint8_t *window;
	uint64_t block;
	uint64_t depth;
	uint64_t blocks;	/* whole ones in the file */
	uint64_t next;
	uint64_t end;
};

static int next(void *context, struct ls_transfer *ret)
{
	struct pass *pass = context;

	if (pass->next == pass->end)
		return 0;
	ret->addr = pass->window + pass->next % pass->depth * pass->block;
	ret->file_offset = pass->next % pass->blocks * pass->block;
	ret->bytes = ret->request_bytes = (uint32_t)pass->block;
	ret->buffer = 0;
	pass->next++;
	return 1;
}

static int never(void *context)
{
	(void)context;
	return -EDEADLK;
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

static int read_file(struct pass *pass, const struct ls_uring_options *options,
		     struct ls_result *result, int64_t *elapsed_ns)
{
	struct ls_transfer_source source = { .next = next, .wait = never, .context = pass };
	struct iovec window = { pass->window, ls_size(pass->block * pass->depth) };
	struct ls_uring_queue reader;
	int64_t start_ns;
	int err = ls_uring_queue_reserve(&reader, options, result);

	if (!err)
		err = ls_uring_queue_open(&reader);
	if (!err)
		err = ls_uring_queue_register(&reader, &window, 1);
	start_ns = ls_clock_now();
	if (!err)
		err = ls_uring_queue_run(&reader, &source);
	*elapsed_ns = ls_clock_now() - start_ns;
	ls_uring_queue_deinit(&reader);
	return err;
}

int main(int count, char **words)
{
	LS_FREE struct ls_result *result = calloc(1, sizeof(*result));
	LS_FREE uint8_t *window = NULL;
	LS_CLOSE int fd = -1;
	struct pass pass = { 0 };
	struct stat file;
	int64_t elapsed_ns = 0;
	int is_direct, err;

	if (!result || count != 7)
		return 2;
	is_direct = !strcmp(words[2], "direct");
	fd = open(words[1], O_RDONLY | O_CLOEXEC | (is_direct ? O_DIRECT : 0));
	pass.block = strtoull(words[3], NULL, 10);
	pass.depth = strtoull(words[4], NULL, 10);
	if (fd < 0 || fstat(fd, &file) || !pass.block || !pass.depth)
		return 2;
	window = pass.window = reserve_window(pass.block * pass.depth);
	pass.blocks = (uint64_t)file.st_size / pass.block;
	pass.end = pass.blocks * strtoull(words[5], NULL, 10);
	if (!window || !pass.blocks)
		return 2;
	err = read_file(&pass, &(struct ls_uring_options){
		.depth = (uint32_t)pass.depth,
		.fd = fd,
		.path = words[1],
		.step = "io_uring read",
		.registers_file = 1,
		.histogram = strcmp(words[6], "latency") ? NULL : ls_histogram_take(result, "read"),
	}, result, &elapsed_ns);
	if (err) {
		fprintf(stderr, "%s: %s\n", result->error.step, strerror(-err));
		return 1;
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRId64 "\n", pass.end, pass.end * pass.block,
	       elapsed_ns);
	return 0;
}
