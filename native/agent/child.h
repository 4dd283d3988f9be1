/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Job in a process of its own: fresh memory, and a SIGBUS, an out-of-memory kill or a hang
 * ends that process alone. What loadstone.worker does for the local Target.
 */
#ifndef LS_CHILD_H
#define LS_CHILD_H

#include "job_line.h"

/*
 * Carries out one Job and writes its line to standard output. A person reads its error on
 * standard error as well. 0 where the Job did what it was asked, 1 where it had an error or
 * its process died; -errno where nobody reads standard output any more, or it can't be written.
 */
int ls_child_run(const struct ls_job_line *line, int is_for_person);

#endif
