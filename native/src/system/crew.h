/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that begin the same work together; the first member is the calling thread. */
#ifndef LS_CREW_H
#define LS_CREW_H

#include <pthread.h>
#include <stdint.h>

#include "core/record.h"
#include "system/gate.h"

enum { LS_CREW_MOST = 1024 };

struct ls_crew;
struct ls_crew_member;

/* What one member does; an error ends its part, and calls off the others. */
typedef int (*ls_crew_work)(struct ls_crew *crew, uint32_t member);

struct ls_crew {
	void *shared;			/* the operation's own */
	ls_crew_work work;
	struct ls_crew_member *members;
	uint32_t count;
	uint32_t started;		/* as threads */
	int has_gates;
	int is_called_off;
	struct ls_gate begin;
	struct ls_gate end;
	int64_t start_ns;		/* right before the first could begin */
	int64_t end_ns;			/* when the last had ended */
};

/*
 * Starts the threads, which wait for ls_crew_run. Must be followed by ls_crew_deinit,
 * also after an error.
 */
int ls_crew_init(struct ls_crew *crew, uint32_t count, ls_crew_work work, void *shared);

/*
 * Lets all begin and waits until all have ended; the threads are still there when it
 * returns. Returns the first member's error that is not -ECANCELED, which is what work
 * returns where ls_crew_goes_on said no.
 */
int ls_crew_run(struct ls_crew *crew);

/* Ends the threads; takes one that is zeroed, or was deinited before. */
void ls_crew_deinit(struct ls_crew *crew);

/* Whether no other member has failed. */
static inline int ls_crew_goes_on(const struct ls_crew *crew)
{
	return !__atomic_load_n(&crew->is_called_off, __ATOMIC_RELAXED);
}

#endif
