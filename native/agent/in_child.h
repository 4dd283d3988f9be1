/* SPDX-License-Identifier: Apache-2.0 */
/* What the process of a Job does from its first step to its last. */
#ifndef LS_IN_CHILD_H
#define LS_IN_CHILD_H

#include <sys/types.h>

#include "job_line.h"

/*
 * Carries out the Job and ends this process: 0, or 1 where the Job had an error. Its line goes
 * to descriptor answers, which is closed then. It is killed when its parent ends.
 */
void ls_in_child(const struct ls_job_line *line, int answers, pid_t parent, int is_for_person)
	__attribute__((noreturn));

#endif
