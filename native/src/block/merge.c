/* SPDX-License-Identifier: Apache-2.0 */
#include "block/merge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/guard.h"
#include "system/clock.h"

enum {
	SECTOR_BYTES = 512,
	POLL_NS = 1000000,
};

/* What there is left to merge: what the store has allocated, less its own metadata. */
static int left_bytes(struct ls_merge *merge, int64_t *ret)
{
	LS_FREE char *status = NULL;
	int err = ls_dm_status(merge->dm, merge->name, &status);
	unsigned long long allocated, metadata;

	if (err)
		return err;
	/* Instead of counts: Invalid, Overflow, Merge failed. */
	if (sscanf(status, "%*s %llu/%*u %llu", &allocated, &metadata) != 2 ||
	    allocated < metadata) {
		snprintf(merge->gave_up, sizeof(merge->gave_up), "%.*s", (int)strcspn(status, "\n"),
			 status);
		merge->dm->step = "merge";
		return -EIO;
	}
	*ret = (int64_t)(allocated - metadata) * SECTOR_BYTES;
	return 0;
}

static int take_table(const struct ls_merge *merge, const char *table, int64_t *ret)
{
	int err = ls_dm_load(merge->dm, merge->name, table, LS_DM_READ_WRITE), resumed;
	int64_t start_ns = ls_clock_now();

	if (!err)
		err = ls_dm_suspend(merge->dm, merge->name);
	if (err)
		return err;
	resumed = ls_dm_resume(merge->dm, merge->name);
	*ret = ls_clock_now() - start_ns;
	return resumed;
}

static int wait_until_merged(struct ls_merge *merge, ls_merge_cancelled is_cancelled,
			     void *shared)
{
	for (;;) {
		int64_t left = 0;
		int err = left_bytes(merge, &left);

		if (err || !left)
			return err;
		if (is_cancelled(shared))
			return -ECANCELED;
		ls_clock_pause(POLL_NS);
	}
}

int ls_merge_run(struct ls_merge *merge, ls_merge_cancelled is_cancelled, void *shared)
{
	int err = left_bytes(merge, &merge->bytes);

	if (!err)
		err = take_table(merge, merge->merging, &merge->to_merging_ns);
	merge->start_ns = ls_clock_now();
	if (!err)
		err = wait_until_merged(merge, is_cancelled, shared);
	merge->end_ns = ls_clock_now();
	return err ? err : take_table(merge, merge->merged, &merge->to_merged_ns);
}
