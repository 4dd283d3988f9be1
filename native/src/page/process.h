/* SPDX-License-Identifier: Apache-2.0 */
/* Which process a PID means, held by its directory below /proc. */
#ifndef LS_PROCESS_H
#define LS_PROCESS_H

#include <stdint.h>

struct ls_process {
	uint64_t start_ticks;	/* since boot: with the PID, this is who it is */
	char state;
	int is_kernel_thread;
};

/* /proc/PID, opened for openat(2); what is opened below is never of another process. */
int ls_process_open(uint64_t pid, int *ret);

/* /proc/PID/stat; -ENOENT or -ESRCH where the process is gone. Source: proc_pid_stat(5). */
int ls_process_read(int directory, struct ls_process *ret);

/* Whether it has no memory any more, and only waits to be reaped. */
static inline int ls_process_has_ended(const struct ls_process *process)
{
	return process->state == 'Z' || process->state == 'X' || process->state == 'x';
}

#endif
