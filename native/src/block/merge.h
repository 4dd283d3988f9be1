/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A merge as an update of virtual A/B ends with one: a device whose table is a snapshot gets
 * the table snapshot-merge, which copies what changed into the device below, and when that is
 * done the table of that device alone.
 * Source: admin-guide/device-mapper/snapshot.rst.
 */
#ifndef LS_MERGE_H
#define LS_MERGE_H

#include <stdint.h>

#include "block/dm.h"
#include "loadstone.h"

struct ls_merge {
	struct ls_dm *dm;
	const char *name;		/* of the device */
	const char *merging;		/* its table while it is merged, and after that */
	const char *merged;
	int64_t bytes;			/* that there were to merge */
	int64_t start_ns;		/* right after the device was resumed with the first table */
	int64_t end_ns;			/* when nothing was left to merge */
	int64_t to_merging_ns;		/* suspending it, resuming it with each table, freeing the old */
	int64_t to_merged_ns;
	char gave_up[LS_PATH_BYTES];	/* the device's status, where the kernel gave it up */
};

/* Whether to give up; asked from time to time. */
typedef int (*ls_merge_cancelled)(void *shared);

/*
 * Merges from beginning to end. -ECANCELED: it was given up, with the table of the merge in
 * use. -EIO with dm->step "merge": the kernel gave the snapshot up, see gave_up. On every
 * return the device is resumed, if the kernel does so.
 */
int ls_merge_run(struct ls_merge *merge, ls_merge_cancelled is_cancelled, void *shared);

#endif
