/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of every time that the core records: CLOCK_MONOTONIC. */
#ifndef LS_CLOCK_H
#define LS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t ls_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Lets others go on for a while; a signal ends it. */
static inline void ls_clock_pause(int64_t ns)
{
	const struct timespec pause = { ns / 1000000000, (long)(ns % 1000000000) };

	nanosleep(&pause, NULL);
}

#endif
