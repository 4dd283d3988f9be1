/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that begin the same work together; number 0 is the calling thread. */
#ifndef LS_THREAD_GROUP_H
#define LS_THREAD_GROUP_H

#include <pthread.h>
#include <stdint.h>

#include "core/record.h"
#include "system/latch.h"

enum { LS_THREADS_MAX = 1024 };

struct ls_thread_group;
struct ls_thread;

/* What each thread runs; an error ends it, and cancels the others. */
typedef int (*ls_thread_work)(struct ls_thread_group *group, uint32_t number);

struct ls_thread_group {
	void *shared;			/* the operation's own */
	ls_thread_work work;
	struct ls_thread *threads;
	uint32_t count;
	uint32_t started;		/* without the calling one */
	int has_latches;
	int is_cancelled;
	struct ls_latch begin;
	struct ls_latch end;
	int64_t start_ns;		/* right before the first could begin */
	int64_t end_ns;			/* when the last had finished its work */
};

/*
 * Starts the threads, which wait for ls_thread_group_run. Must be followed by
 * ls_thread_group_deinit, also after an error.
 */
int ls_thread_group_init(struct ls_thread_group *group, uint32_t count, ls_thread_work work,
			 void *shared);

/*
 * Releases all and waits until each has finished its work; the threads still exist when it
 * returns. Returns the first thread's error that is not -ECANCELED, which is what work
 * returns once ls_thread_group_is_cancelled.
 */
int ls_thread_group_run(struct ls_thread_group *group);

/* Ends the threads; does nothing to a group that is zeroed, or was deinited before. */
void ls_thread_group_deinit(struct ls_thread_group *group);

/* Whether a thread has failed: the others stop. */
static inline int ls_thread_group_is_cancelled(const struct ls_thread_group *group)
{
	return __atomic_load_n(&group->is_cancelled, __ATOMIC_RELAXED);
}

#endif
