/* SPDX-License-Identifier: Apache-2.0 */
/* Operation page-classes: what became of the pages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "page/page_classes.h"

/* By what a page takes on the device: see ls_pages_report. */
enum kind { SAME, ZSP, ZMP, ZHP, UNSTORED, KINDS };

static const char *const kind_names[KINDS] = {
	[SAME] = "same", [ZSP] = "zsp", [ZMP] = "zmp", [ZHP] = "zhp", [UNSTORED] = "unstored",
};

struct kind_sum {
	int64_t pages;
	int64_t bytes;
	int64_t write_ns;
	int64_t read_ns;
};

struct sums {
	struct kind_sum kinds[KINDS];
	int64_t escaped_pages;		/* that did not go out */
	int64_t disturbed_pages;	/* whose counters were moved by others' pages as well */
	int64_t largest_bytes;		/* of those that were compressed */
};

int ls_pages_fail(const struct ls_pages *pages, int code, const char *step, int64_t offset)
{
	return ls_result_fail(pages->result, code, step, pages->options.device, offset);
}

int ls_pages_read_stat(const struct ls_pages *pages, struct ls_mm_stat *ret)
{
	int err = ls_mm_stat_read(pages->stat, ret);

	return err ? ls_pages_fail(pages, err, "read mm_stat", -1) : 0;
}

int ls_pages_verify(const struct ls_pages *pages, const uint8_t *copy)
{
	for (uint64_t i = 0; i < pages->count; i++) {
		uint64_t at = i * pages->page_bytes;

		if (memcmp(pages->payload + at, copy + at, ls_size(pages->page_bytes)))
			return ls_pages_fail(pages, -EBADMSG, "verify pages", (int64_t)at);
	}
	ls_value_add(pages->result, "verified_bytes", (int64_t)ls_pages_bytes(pages));
	return 0;
}

/* Of a unit's pages those that went out, and the time that it took them to come back. */
static int64_t count_out(const struct ls_pages *pages, uint64_t unit, int64_t *read_ns)
{
	const int64_t *in_ns = pages->in_ns + unit * pages->unit_pages;
	int64_t count = 0;

	*read_ns = 0;
	for (uint64_t i = 0; i < pages->unit_pages; i++) {
		if (in_ns[i] < 0)
			continue;
		*read_ns += in_ns[i];
		count++;
	}
	return count;
}

/*
 * How many of a unit's pages are of which kind. Of several that are neither same-filled nor huge
 * only the sum is known: they are what their mean is. -EBUSY where others' pages moved the
 * counters as well.
 */
static int sort_unit(const struct ls_pages *pages, const struct ls_mm_stat *stored, int64_t out,
		     struct kind_sum *kinds)
{
	const int64_t page_bytes = (int64_t)pages->page_bytes;
	int64_t there = stored->original_bytes / page_bytes;
	int64_t others = there - stored->same_pages - stored->huge_pages;
	int64_t bytes = stored->compressed_bytes - stored->huge_pages * page_bytes;
	enum kind kind = others && bytes / others >= page_bytes / 2 ? ZMP : ZSP;

	if (there < 0 || there > out || stored->same_pages < 0 || stored->huge_pages < 0 ||
	    others < 0 || bytes < 0 || bytes > others * page_bytes)
		return -EBUSY;
	/* What is written to the device is on it. */
	if (pages->options.path == LS_PAGES_BLOCK && there != out)
		return -EBUSY;
	kinds[SAME].pages = stored->same_pages;
	kinds[ZHP].pages = stored->huge_pages;
	kinds[ZHP].bytes = stored->huge_pages * page_bytes;
	kinds[kind].pages = others;
	kinds[kind].bytes = bytes;
	kinds[UNSTORED].pages = out - there;
	return 0;
}

static void add_unit(struct sums *sums, const struct kind_sum *kinds, int64_t out,
		     int64_t write_ns, int64_t read_ns)
{
	for (int i = 0; i < KINDS; i++) {
		sums->kinds[i].pages += kinds[i].pages;
		sums->kinds[i].bytes += kinds[i].bytes;
		sums->kinds[i].write_ns += write_ns * kinds[i].pages / out;
		sums->kinds[i].read_ns += read_ns * kinds[i].pages / out;
	}
	for (int i = ZSP; i <= ZMP; i++)
		if (kinds[i].pages && kinds[i].bytes / kinds[i].pages > sums->largest_bytes)
			sums->largest_bytes = kinds[i].bytes / kinds[i].pages;
}

static void sum_units(const struct ls_pages *pages, struct sums *sums)
{
	struct ls_histogram *compress = ls_histogram_take(pages->result, "compress");
	struct ls_histogram *decompress = ls_histogram_take(pages->result, "decompress");

	for (uint64_t unit = 0; unit < pages->count / pages->unit_pages; unit++) {
		const struct ls_page_unit *one = &pages->units[unit];
		struct kind_sum kinds[KINDS] = { { 0 } };
		int64_t read_ns, out = count_out(pages, unit, &read_ns);

		sums->escaped_pages += (int64_t)pages->unit_pages - out;
		if (!out)
			continue;
		if (sort_unit(pages, &one->stored, out, kinds)) {
			sums->disturbed_pages += out;
			continue;
		}
		add_unit(sums, kinds, out, one->out_ns, read_ns);
		for (int64_t i = 0; i < out; i++)
			ls_histogram_record(compress, (uint64_t)(one->out_ns / out));
	}
	for (uint64_t i = 0; i < pages->count; i++)
		if (pages->in_ns[i] >= 0)
			ls_histogram_record(decompress, (uint64_t)pages->in_ns[i]);
}

static void report_kind(const struct ls_pages *pages, enum kind kind, const struct kind_sum *sum)
{
	const struct {
		const char *what;
		int64_t value;
	} figures[] = {
		{ "pages", sum->pages },
		{ "bytes", sum->bytes },
		{ "write_ns", sum->write_ns },
		{ "read_ns", sum->read_ns },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		char name[LS_NAME_BYTES];

		snprintf(name, sizeof(name), "%s_%s", kind_names[kind], figures[i].what);
		ls_value_add(pages->result, name, figures[i].value);
	}
}

int ls_pages_report(const struct ls_pages *pages)
{
	struct sums sums = { 0 };
	struct kind_sum all = { 0 };

	sum_units(pages, &sums);
	for (int i = 0; i < KINDS; i++) {
		all.pages += sums.kinds[i].pages;
		all.bytes += sums.kinds[i].bytes;
		report_kind(pages, (enum kind)i, &sums.kinds[i]);
	}
	if (!all.pages)
		return ls_pages_fail(pages, -EBUSY, "count pages", -1);
	ls_value_add(pages->result, "page_bytes", (int64_t)pages->page_bytes);
	ls_value_add(pages->result, "pages", all.pages);
	ls_value_add(pages->result, "compressed_bytes", all.bytes);
	ls_value_add(pages->result, "saved_bytes",
		     all.pages * (int64_t)pages->page_bytes - all.bytes);
	ls_value_add(pages->result, "escaped_pages", sums.escaped_pages);
	ls_value_add(pages->result, "disturbed_pages", sums.disturbed_pages);
	ls_value_add(pages->result, "largest_stored_bytes", sums.largest_bytes);
	return 0;
}
