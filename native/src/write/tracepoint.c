/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: the folios as the tracepoint of the page cache counts them. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/tracepoint.h"
#include "write/folio_write.h"

enum {
	PASS_BYTES = 8 << 20,
	/* Source: MAX_PAGECACHE_ORDER, at most what an xarray entry spans. */
	ORDERS = 12,
	FILTER_BYTES = 64,
};

struct counters {
	uint32_t count;		/* that are open */
	int fds[ORDERS];
	uint64_t folios[ORDERS];
};

static void close_counters(struct counters *counters)
{
	while (counters->count)
		close(counters->fds[--counters->count]);
}

/* One for each order: a counter has no fields, so the filter selects the order. */
static int open_counters(struct counters *counters, uint64_t inode)
{
	char filter[FILTER_BYTES];

	for (uint32_t order = 0; order < ORDERS; order++) {
		int err;

		snprintf(filter, sizeof(filter), "order == %u && i_ino == %llu", order,
			 (unsigned long long)inode);
		err = ls_tracepoint_open("filemap/mm_filemap_add_to_page_cache", filter,
				    &counters->fds[order]);
		if (err)
			return err;
		counters->count++;
	}
	return 0;
}

static int each(const struct counters *counters, int (*verb)(int counter))
{
	int err = 0;

	for (uint32_t order = 0; !err && order < counters->count; order++)
		err = verb(counters->fds[order]);
	return err;
}

static int count_folios(struct ls_writing *pass, struct counters *counters)
{
	struct stat st;
	int err = fstat(pass->plain, &st) ? -1 : open_counters(counters, st.st_ino);

	if (!err)
		err = each(counters, ls_tracepoint_start);
	if (!err)
		err = ls_writing_write(pass);
	if (!err)
		err = each(counters, ls_tracepoint_stop);
	for (uint32_t order = 0; !err && order < counters->count; order++)
		err = ls_tracepoint_read(counters->fds[order], &counters->folios[order]);
	return err;
}

static void report(struct ls_result *result, const struct counters *counters)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t folios = 0, bytes = 0;
	char name[LS_NAME_BYTES];

	for (uint32_t order = 0; order < ORDERS; order++) {
		uint64_t order_bytes = counters->folios[order] * (page_bytes << order);

		folios += counters->folios[order];
		bytes += order_bytes;
		if (!order_bytes)
			continue;
		snprintf(name, sizeof(name), "traced_order_%u_bytes", order);
		ls_value_add(result, name, (int64_t)order_bytes);
	}
	if (folios)
		ls_value_add(result, "traced_folio_mean_bytes", (int64_t)(bytes / folios));
}

void ls_writing_count_tracepoint(const struct ls_writing *writing)
{
	struct ls_writing pass = { .options = writing->options, .plain = -1, .file = -1 };
	struct counters counters = { 0 };
	int64_t start_ns = ls_clock_now();
	int err;

	pass.options.threads = 1;
	/* A counter is not that of io_uring's kernel threads that are there already. */
	pass.options.engine = LS_WRITE_PWRITE;
	pass.options.depth = 1;
	pass.options.size = ls_min(pass.options.size, PASS_BYTES);
	pass.options.total = ls_min(pass.options.total, PASS_BYTES);
	err = ls_writing_set_up(&pass);
	if (!err)
		err = count_folios(&pass, &counters);
	if (err)
		ls_value_add(writing->result, "traced_folio_mean_bytes", -1);
	else
		report(writing->result, &counters);
	close_counters(&counters);
	ls_writing_release(&pass);
	ls_value_add(writing->result, ls_value_trace_ns, ls_clock_now() - start_ns);
}
