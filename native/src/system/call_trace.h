/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long each call of one function of the kernel takes, whoever makes it: a kprobe and a
 * kretprobe of perf's on every CPU. They end with their descriptors, so that nothing is left
 * behind however this process ends.
 */
#ifndef LS_CALL_TRACE_H
#define LS_CALL_TRACE_H

#include <stdint.h>

#include "core/record.h"

enum {
	LS_CALLS_OPEN = 64,	/* at one time, of all threads */
	LS_CALLS_NAME_BYTES = 64,
};

struct ls_call_ring;

/* Zeroed it is none: then every function but ls_call_trace_open does nothing. */
struct ls_call_trace {
	uint32_t cpus;
	struct ls_call_ring *rings;	/* of each CPU */
	struct ls_call_moment *moments;	/* room for what all rings hold */
	uint32_t open_count;
	struct ls_open_call {
		uint32_t thread;
		uint64_t start_ns;
	} open[LS_CALLS_OPEN];
	uint64_t missed;		/* moments that the kernel lost, or whose other one it did */
};

/*
 * functions are names divided by commas, of which the first is taken that this kernel has.
 * -ENODEV where it has no kprobes for perf, -ENOENT where it has no such function, -EACCES or
 * -EPERM where this user may not trace it.
 */
int ls_call_trace_open(struct ls_call_trace *trace, const char *functions);

int ls_call_trace_start(struct ls_call_trace *trace);
int ls_call_trace_stop(struct ls_call_trace *trace);

/* Records the calls that have ended; to be called often enough that the rings do not overflow. */
void ls_call_trace_drain(struct ls_call_trace *trace, struct ls_histogram *histogram);

void ls_call_trace_close(struct ls_call_trace *trace);

#endif
