/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timed region of an operation: what is counted from its beginning to its end. Every
 * operation that times something does, in this order: ls_region_enter, take the time, the work,
 * take the time, ls_region_leave, and where the work succeeded ls_region_report. Readers find in
 * its result ls_value_start_ns, from which spans count, and either ls_value_ready_ns or
 * ls_value_elapsed_ns.
 */
#ifndef LS_REGION_H
#define LS_REGION_H

#include "core/record.h"
#include "system/resident.h"
#include "system/usage.h"

struct ls_region {
	const struct ls_job *job;
	struct ls_result *result;
	struct ls_usage before;
	struct ls_usage after;
	struct ls_resident resident;
};

/*
 * To be called right before the clock is read. The program's own pages are made
 * present first: dropping caches takes them too, and then the region would wait
 * for the disk that the program lies on.
 */
void ls_region_enter(struct ls_region *region, const struct ls_job *job,
		     struct ls_result *result);

/* To be called right after the clock is read; records start_ns, when the region began. */
void ls_region_leave(struct ls_region *region, int64_t start_ns);

/* Records what the process used in between. */
void ls_region_report(const struct ls_region *region);

#endif
