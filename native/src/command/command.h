/* SPDX-License-Identifier: Apache-2.0 */
/* A shell command to be timed, and what came of it. */
#ifndef LS_COMMAND_H
#define LS_COMMAND_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "loadstone.h"

/* The descriptor of LOADSTONE_READY_FD: of one digit, as shells want it. */
enum { LS_READY_FD = 3 };

struct ls_command {
	const char *text;
	const char *file;	/* LOADSTONE_MODEL */
	int64_t limit_ns;
	int is_ended_by_word;	/* the timed region ends when it says that it is ready */
};

/* What came of it; times are 0 where that never was. Written by the supervisor. */
struct ls_command_report {
	pid_t shell;
	int code;			/* -errno of step, where it could not be carried out */
	char step[LS_NAME_BYTES];
	int status;			/* as wait(2) has it */
	int is_late;			/* killed at its limit */
	int is_stopped;			/* killed as it went on after it was ready */
	int is_whole;			/* the supervisor came to its end */
	int64_t start_ns;
	int64_t loading_ns;
	int64_t ready_ns;
	int64_t end_ns;
	int64_t left;			/* processes that were killed when the shell had ended */
	int64_t printed_bytes;
	int64_t inherited_peak_kib;	/* of ru_maxrss: what forking gave the shell */
	struct rusage usage;		/* of all its processes, to the end */
	char last_words[LS_PATH_BYTES];
};

#endif
