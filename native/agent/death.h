/* SPDX-License-Identifier: Apache-2.0 */
/* How a Job's process ended without an answer, in the words of loadstone.worker. */
#ifndef LS_DEATH_H
#define LS_DEATH_H

#include <stddef.h>

/* status is that of waitpid(2). */
void ls_death_of(int status, char *ret, size_t bytes);

/* For a process that was killed at its timeout, and has ended or has not. */
void ls_death_by_limit(double limit_s, int has_ended, char *ret, size_t bytes);

#endif
