/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell command that is timed, and ends with all that it started.
 *
 * A process of its own, the supervisor, starts the shell, reads what the command prints and takes
 * the times. It is the subreaper of all that comes of the command, ends it when the shell has
 * ended, and when the process of the Job has, whatever ended that. The shell leads a session and a
 * process group, has no terminal, and its standard input is /dev/null.
 */
#ifndef LS_SUPERVISOR_H
#define LS_SUPERVISOR_H

#include <sys/types.h>

#include "command/command.h"

struct ls_supervisor {
	struct ls_command command;
	struct ls_command_report *report;
	pid_t pid;
	int go;			/* a byte, and the command starts */
	int region_end;		/* a byte arrives when the timed region ends */
};

/* Starts the supervisor, not the command. On error nothing is left. */
int ls_supervisor_create(struct ls_supervisor *supervisor, const struct ls_command *command);

/* Starts the command, and returns when the timed region has ended. */
void ls_supervisor_run(struct ls_supervisor *supervisor);

/* Returns when nothing of the command is left; then the report is whole. */
void ls_supervisor_join(struct ls_supervisor *supervisor);

void ls_supervisor_destroy(struct ls_supervisor *supervisor);

#endif
