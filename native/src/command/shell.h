/* SPDX-License-Identifier: Apache-2.0 */
/* The shell that a command is run by. */
#ifndef LS_SHELL_H
#define LS_SHELL_H

#include "command/command.h"

/* Where what the shell writes arrives; the ends that it has are closed in this process. */
struct ls_shell_pipes {
	int out;
	int err;
	int ready;	/* of LS_READY_FD */
};

/* Starts the shell; the report has its PID, and later why it could not be. */
int ls_shell_start(const struct ls_command *command, struct ls_command_report *report,
		   struct ls_shell_pipes *ret);

#endif
