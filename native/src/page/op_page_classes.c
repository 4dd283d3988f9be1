/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation page-classes: pages of one class are compressed by a zram device of our own and come
 * back, each timed by itself; what each was compressed to is told by the device's counters. On
 * path block they are written to the device and read; on path swap the device is swapped on, and
 * they are pages of a mapping that go out by MADV_PAGEOUT and come back by a fault.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/size.h"
#include "page/page_classes.h"
#include "system/clock.h"
#include "system/huge_page.h"

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("device", struct ls_pages_options, device, LS_REQUIRED),
	LS_CHOICE_OPTION("path", struct ls_pages_options, path, LS_CHOICES("block", "swap"),
			 "block"),
	LS_CHOICE_OPTION("class", struct ls_pages_options, class, ls_page_class_names, "text"),
	LS_TEXT_OPTION("file", struct ls_pages_options, file, ""),
	LS_NUMBER_OPTION("total", struct ls_pages_options, total, "8388608"),
	LS_CHOICE_OPTION("thp", struct ls_pages_options, thp, LS_CHOICES("off", "on"), "off"),
	LS_NUMBER_OPTION("seed", struct ls_pages_options, seed, "1"),
	LS_OPTIONS_END,
};

static int find_unit(struct ls_pages *pages)
{
	uint64_t huge_bytes = 0;
	int err;

	pages->unit_pages = 1;
	if (pages->options.path == LS_PAGES_BLOCK || !pages->options.thp)
		return 0;
	err = ls_thp_bytes(&huge_bytes);
	if (!err && !huge_bytes)
		err = -EOPNOTSUPP;
	if (err)
		return ls_result_fail(pages->result, err, "find huge pages", "memory", -1);
	pages->unit_pages = huge_bytes / pages->page_bytes;
	return 0;
}

static int set_count(struct ls_pages *pages)
{
	const uint64_t total = pages->options.total;
	int err = find_unit(pages);
	uint64_t unit_bytes = pages->unit_pages * pages->page_bytes;

	if (err)
		return err;
	if (total > INT64_MAX / 2)
		return ls_option_refuse(pages->result, "total", total);
	if (total < unit_bytes)
		return ls_result_fail(pages->result, -EINVAL, "total for pages", "total",
				      (int64_t)unit_bytes);
	pages->count = total / unit_bytes * pages->unit_pages;
	return 0;
}

static int query_device(struct ls_pages *pages)
{
	int err = ls_device_query(pages->options.device, &pages->device);

	if (err)
		return ls_pages_fail(pages, err, "query device", -1);
	err = ls_mm_stat_open(pages->device.major, pages->device.minor, &pages->stat);
	if (err)
		return ls_pages_fail(pages, err, "open mm_stat", -1);
	if (pages->device.bytes < ls_pages_bytes(pages))
		return ls_pages_fail(pages, -ENOSPC, "query device", -1);
	return 0;
}

static int reserve(struct ls_pages *pages)
{
	void *payload = NULL;
	int err = posix_memalign(&payload, ls_size(pages->page_bytes),
				 ls_size(ls_pages_bytes(pages)));

	pages->payload = payload;
	pages->units = calloc(ls_size(pages->count / pages->unit_pages), sizeof(*pages->units));
	pages->in_ns = calloc(ls_size(pages->count), sizeof(*pages->in_ns));
	if (err || !pages->units || !pages->in_ns)
		return ls_result_fail(pages->result, -ENOMEM, "reserve pages", "memory", -1);
	return 0;
}

static int set_up(struct ls_pages *pages)
{
	int64_t start_ns = ls_clock_now();
	int err = set_count(pages);

	if (!err)
		err = query_device(pages);
	if (!err)
		err = reserve(pages);
	if (!err)
		err = ls_pages_fill(pages);
	ls_value_add(pages->result, ls_value_set_up_ns, ls_clock_now() - start_ns);
	return err;
}

static void release(struct ls_pages *pages)
{
	free(pages->units);
	free(pages->in_ns);
	free(pages->payload);
	if (pages->stat >= 0)
		close(pages->stat);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct ls_pages pages = {
		.result = ret,
		.stat = -1,
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	int err = ls_options_parse(specs, job, &pages.options, ret);

	if (!err)
		err = set_up(&pages);
	if (!err)
		err = pages.options.path == LS_PAGES_SWAP ? ls_pages_measure_swap(&pages, job) :
							    ls_pages_measure_block(&pages, job);
	release(&pages);
	return err;
}

const struct ls_operation ls_page_classes_operation = { "page-classes", specs, run };
