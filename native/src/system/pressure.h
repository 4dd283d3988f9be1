/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory pressure: a process of its own holds anonymous memory and writes a word to each of its
 * pages, over and over, as fast as one CPU can, while something else is timed. Its pages hold
 * what no compressor shrinks, and are small ones. It is in the control group of its maker, is the
 * first to be killed when memory is short, and dies with its maker.
 */
#ifndef LS_PRESSURE_H
#define LS_PRESSURE_H

#include <stdint.h>
#include <sys/types.h>

#include "core/record.h"

struct ls_pressure_shared;

/* Zeroed it is none: then every function but ls_pressure_start does nothing. */
struct ls_pressure {
	pid_t holder;
	struct ls_pressure_shared *shared;
	uint64_t bytes;			/* at most, where it is locked */
	int is_locked;
	uint64_t left_bytes;		/* available, of what is locked */
	int killed_by;			/* a signal, where it did not live as long as it should */
	int64_t cpu_ns;			/* at the beginning of the region */
	uint64_t sweeps;
};

/*
 * Returns when all of it has been written once; before that nothing is recorded but an error.
 *
 * least_available is what must be available of the machine's memory before it is held; bytes at
 * the least.
 */
int ls_pressure_start(struct ls_pressure *pressure, uint64_t bytes, uint64_t least_available,
		      struct ls_result *result);

/*
 * Another kind: all memory of the machine but so much, locked and left alone. It is of use where a
 * control group's limit presses on nobody, as the kernel charges what it allocates to none. Called
 * again it takes what has become available since.
 */
int ls_pressure_lock_all_but(struct ls_pressure *pressure, uint64_t left_bytes,
			     struct ls_result *result);

/* Right before a timed region. */
void ls_pressure_enter(struct ls_pressure *pressure);

/*
 * Right after it: records what was held, whether it still was, how often all of it was written in
 * between, and what CPU that took.
 */
void ls_pressure_leave(struct ls_pressure *pressure, struct ls_result *result);

/* Gives it back; returns when it is free. May be called twice. */
void ls_pressure_end(struct ls_pressure *pressure);

#endif
