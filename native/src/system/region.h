/* SPDX-License-Identifier: Apache-2.0 */
/* The timed region: what is counted from its beginning to its end. */
#ifndef LS_REGION_H
#define LS_REGION_H

#include "core/record.h"
#include "system/usage.h"

struct ls_region {
	const struct ls_job *job;
	struct ls_result *result;
	struct ls_usage before;
	struct ls_usage after;
};

/*
 * To be called right before the clock is read. The program's own pages are made
 * present first: dropping caches takes them too, and then the region would wait
 * for the disk that the program lies on.
 */
void ls_region_enter(struct ls_region *region, const struct ls_job *job,
		     struct ls_result *result);

/* To be called right after the clock is read. */
void ls_region_leave(struct ls_region *region);

/* Records what the process used in between. */
void ls_region_report(const struct ls_region *region);

#endif
