/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation page-classes, path block: pages are written to the device one by one, around the
 * page cache, and read. A device without anything on it tells of each page what it was stored as.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/random.h"
#include "core/size.h"
#include "page/page_classes.h"
#include "system/clock.h"
#include "system/file.h"

enum {
	FLOOR_PAGES = 64,
	PROBED_BYTES = 64,
	PROBED_STEP = 7,
	GAP_SHARE = 16,		/* of a page */
	NOT_WRITTEN = 0xa5,
};

struct block_path {
	struct ls_pages *pages;
	int fd;
	uint8_t *copy;		/* what is read; its first page is what is probed with */
};

static int write_page(const struct block_path *path, const uint8_t *page, uint64_t number)
{
	const uint64_t bytes = path->pages->page_bytes;
	int err = ls_file_write(path->fd, page, bytes, number * bytes, 0);

	return err ? ls_pages_fail(path->pages, err, "O_DIRECT write", (int64_t)(number * bytes)) :
		     0;
}

static int read_page(const struct block_path *path, uint8_t *page, uint64_t number)
{
	const uint64_t bytes = path->pages->page_bytes;
	int err = ls_file_read(path->fd, page, bytes, number * bytes);

	return err ? ls_pages_fail(path->pages, err, "O_DIRECT read", (int64_t)(number * bytes)) :
		     0;
}

/* Empties the device. Nobody else may write to it: its counters would tell of other pages. */
static int discard(const struct block_path *path)
{
	uint64_t range[2] = { 0, path->pages->device.bytes };
	struct ls_mm_stat stat;
	int err;

	if (ioctl(path->fd, BLKDISCARD, range))
		return ls_pages_fail(path->pages, -errno, "BLKDISCARD", -1);
	err = ls_pages_read_stat(path->pages, &stat);
	if (!err && (stat.original_bytes || stat.compressed_bytes))
		err = ls_pages_fail(path->pages, -EBUSY, "empty device", -1);
	return err;
}

/* Random bytes, zeros, again random bytes, and zeros to the end. */
static void make_probe(const struct block_path *path, uint64_t random_bytes, uint64_t tail_bytes)
{
	const uint64_t page_bytes = path->pages->page_bytes;
	const uint64_t gap_bytes = page_bytes / GAP_SHARE;
	uint64_t at = ls_min(random_bytes + gap_bytes, page_bytes);
	uint64_t end = ls_min(at + tail_bytes, page_bytes);
	struct ls_random random;

	ls_random_init(&random, random_bytes);
	ls_random_fill(&random, (uint64_t *)(void *)path->copy, page_bytes / sizeof(uint64_t));
	memset(path->copy + random_bytes, 0, ls_size(at - random_bytes));
	memset(path->copy + end, 0, ls_size(page_bytes - end));
}

/* What such a page is stored as; 0 where it is huge. The device holds no other. */
static int probe(const struct block_path *path, uint64_t random_bytes, uint64_t tail_bytes,
		 int64_t *ret)
{
	struct ls_mm_stat stat;
	int err;

	make_probe(path, random_bytes, tail_bytes);
	err = write_page(path, path->copy, 0);
	if (!err)
		err = ls_pages_read_stat(path->pages, &stat);
	if (!err)
		*ret = stat.huge_pages ? 0 : stat.compressed_bytes;
	return err;
}

/* How many random bytes a page can begin with, zeros behind them, and not be huge. */
static int find_most_random(const struct block_path *path, uint64_t *ret)
{
	uint64_t low = 0, high = path->pages->page_bytes;
	int64_t stored;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		int err = probe(path, middle, 0, &stored);

		if (err)
			return err;
		*(stored ? &low : &high) = middle;
	}
	*ret = low;
	return 0;
}

/*
 * From which compressed size on a page is huge: one more than the largest that was not. A
 * compressor that leaps over what it finds random has gaps between its sizes; a short tail behind
 * zeros, which it looks at byte by byte, fills them.
 */
static int probe_huge_class(const struct block_path *path)
{
	int64_t stored, largest = 0;
	uint64_t most = 0;
	int err = find_most_random(path, &most);

	for (uint64_t less = 0; !err && less < PROBED_BYTES && less < most; less += PROBED_STEP) {
		for (uint64_t tail = 0; !err && tail < PROBED_BYTES; tail++) {
			err = probe(path, most - less, tail, &stored);
			if (!err && stored > largest)
				largest = stored;
		}
	}
	if (!err)
		ls_value_add(path->pages->result, "huge_class_size", largest + 1);
	return err;
}

static int compare_times(const void *a, const void *b)
{
	int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

	return (first > second) - (first < second);
}

static void report_median(const struct block_path *path, const char *name, int64_t *times_ns,
			  uint64_t count)
{
	qsort(times_ns, ls_size(count), sizeof(*times_ns), compare_times);
	ls_value_add(path->pages->result, name, times_ns[count / 2]);
}

/* Times so many pages as write_pages does, with what it does between them. */
static int time_writes(const struct block_path *path, uint64_t count, int64_t *ret_ns)
{
	struct ls_mm_stat stat;
	int err = 0;

	for (uint64_t i = 0; !err && i < count; i++) {
		int64_t start_ns = ls_clock_now();

		err = write_page(path, path->copy + i * path->pages->page_bytes, i);
		ret_ns[i] = ls_clock_now() - start_ns;
		if (!err)
			err = ls_pages_read_stat(path->pages, &stat);
	}
	return err;
}

static int time_reads(const struct block_path *path, uint64_t count, int64_t *ret_ns)
{
	int err = 0;

	for (uint64_t i = 0; !err && i < count; i++) {
		int64_t start_ns = ls_clock_now();

		err = read_page(path, path->copy + i * path->pages->page_bytes, i);
		ret_ns[i] = ls_clock_now() - start_ns;
	}
	return err;
}

/* What a page takes that is neither compressed nor stored: the system call, the I/O, a look. */
static int measure_floor(const struct block_path *path)
{
	const uint64_t count = ls_min(path->pages->count, FLOOR_PAGES);
	int64_t write_ns[FLOOR_PAGES], read_ns[FLOOR_PAGES];
	int err;

	memset(path->copy, 1, ls_size(count * path->pages->page_bytes));
	err = time_writes(path, count, write_ns);
	if (!err)
		err = time_reads(path, count, read_ns);
	if (err)
		return err;
	report_median(path, "floor_write_ns", write_ns, count);
	report_median(path, "floor_read_ns", read_ns, count);
	return 0;
}

static int write_pages(const struct block_path *path)
{
	struct ls_pages *pages = path->pages;
	struct ls_mm_stat before, after;
	int err = ls_pages_read_stat(pages, &before);

	for (uint64_t i = 0; !err && i < pages->count; i++) {
		int64_t start_ns = ls_clock_now();

		err = write_page(path, pages->payload + i * pages->page_bytes, i);
		pages->units[i].out_ns = ls_clock_now() - start_ns;
		if (!err)
			err = ls_pages_read_stat(pages, &after);
		if (err)
			break;
		pages->units[i].stored = ls_mm_stat_difference(&before, &after);
		before = after;
	}
	return err;
}

static int write_and_read(const struct block_path *path, const struct ls_job *job)
{
	struct ls_result *result = path->pages->result;
	int64_t start_ns, written_ns, end_ns;
	struct ls_region region;
	int err;

	ls_region_enter(&region, job, result);
	start_ns = ls_clock_now();
	err = write_pages(path);
	written_ns = ls_clock_now();
	if (!err)
		err = time_reads(path, path->pages->count, path->pages->in_ns);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	ls_span_add(result, "compress", 0, start_ns, written_ns);
	ls_span_add(result, "decompress", 0, written_ns, end_ns);
	ls_value_add(result, ls_value_elapsed_ns, end_ns - start_ns);
	ls_region_report(&region);
	return 0;
}

static int measure(const struct block_path *path, const struct ls_job *job)
{
	struct ls_pages *pages = path->pages;
	int err = discard(path);

	if (!err)
		err = probe_huge_class(path);
	if (!err)
		err = measure_floor(path);
	if (!err)
		err = discard(path);
	if (err)
		return err;
	/* A page that is not read is none that was written. */
	memset(path->copy, NOT_WRITTEN, ls_size(ls_pages_bytes(pages)));
	err = write_and_read(path, job);
	if (!err)
		err = ls_pages_report(pages);
	return err ? err : ls_pages_verify(pages, path->copy);
}

int ls_pages_measure_block(struct ls_pages *pages, const struct ls_job *job)
{
	LS_CLOSE int fd = open(pages->options.device, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	LS_FREE void *copy = NULL;

	if (fd < 0)
		return ls_pages_fail(pages, -errno, "open device", -1);
	if (posix_memalign(&copy, ls_size(pages->page_bytes), ls_size(ls_pages_bytes(pages))))
		return ls_result_fail(pages->result, -ENOMEM, "reserve pages", "memory", -1);
	return measure(&(struct block_path){ pages, fd, copy }, job);
}
