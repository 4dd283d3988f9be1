/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's own process. */
#ifndef LS_WATCH_H
#define LS_WATCH_H

#include "command/command.h"

/*
 * Called in a process that was just forked by parent, and ends it. Waits for a byte of go, carries
 * the command out, and writes one to region_end when its timed region ends.
 */
void ls_watch(const struct ls_command *command, struct ls_command_report *report, pid_t parent,
	      int go, int region_end) __attribute__((noreturn));

#endif
