/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that begin the same work together. */
#ifndef LS_CREW_H
#define LS_CREW_H

#include <pthread.h>
#include <stdint.h>

#include "gate.h"
#include "record.h"

enum { LS_CREW_MOST = 1024 };

struct ls_crew;

/* What one member does; an error ends its part, and the crew tells the first. */
typedef int (*ls_crew_work)(struct ls_crew *crew, uint32_t member);

struct ls_crew {
	struct ls_result *result;
	ls_crew_work work;
	void *shared;			/* the operation's own */
	struct ls_gate gate;
	uint32_t count;
	uint32_t started;
	uint32_t next;
	int has_gate;
	int is_called_off;		/* for work to look at: another member has failed */
	struct ls_crew_member *members;
};

/*
 * Starts count threads, which wait for ls_crew_run. Must be followed by
 * ls_crew_deinit, also after an error.
 */
int ls_crew_init(struct ls_crew *crew, uint32_t count, ls_crew_work work, void *shared,
		 struct ls_result *result);

/*
 * Lets them begin and waits until all have ended; *start_ns is right before the first
 * could, *end_ns when the last had.
 */
int ls_crew_run(struct ls_crew *crew, int64_t *start_ns, int64_t *end_ns);

void ls_crew_deinit(struct ls_crew *crew);

static inline int ls_crew_goes_on(const struct ls_crew *crew)
{
	return !__atomic_load_n(&crew->is_called_off, __ATOMIC_RELAXED);
}

#endif
