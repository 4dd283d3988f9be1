/* SPDX-License-Identifier: Apache-2.0 */
/* Tracepoints, counted for this process and the threads that it starts later. */
#ifndef LS_TRACEPOINT_H
#define LS_TRACEPOINT_H

#include <stdint.h>

/*
 * A counter of one tracepoint, not yet counting; close(2) ends it and leaves nothing
 * behind. event is SUBSYSTEM/NAME below tracefs, filter as in
 * Documentation/trace/events.rst, or NULL. -ENOENT where the kernel has no such
 * tracepoint, -EACCES or -EPERM where this user may not see it, -EINVAL where it lacks
 * a field of the filter.
 */
int ls_tracepoint_open(const char *event, const char *filter, int *ret);

int ls_tracepoint_start(int counter);
int ls_tracepoint_stop(int counter);

/* How often it was hit between start and stop. */
int ls_tracepoint_read(int counter, uint64_t *ret);

#endif
