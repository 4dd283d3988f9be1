/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Job as text: words parted by spaces, each key=value. Reading one touches nothing but
 * memory. What is not an operation's own key: operation, sample (repeatable), timeout-s,
 * cpus.
 */
#ifndef LS_JOB_LINE_H
#define LS_JOB_LINE_H

#include <sched.h>
#include <stddef.h>

#include "loadstone.h"

enum {
	LS_JOB_LINE_BYTES = 512 << 10,	/* without the newline */
	LS_JOB_LINE_OPTIONS_MAX = 64,
};

/* All texts are the line's own memory. */
struct ls_job_line {
	const char *operation;
	struct ls_option options[LS_JOB_LINE_OPTIONS_MAX];
	const char *samples[LS_SAMPLES_MAX];
	uint32_t options_count;
	uint32_t samples_count;
	const char *timeout;		/* NULL: not given */
	double timeout_s;
	const char *cpus;		/* NULL: those of the process */
	cpu_set_t cpu_set;
};

/*
 * Reads a line of bytes bytes, percent-encoded, in place; line[bytes] is written too.
 * A line of nothing but spaces is -ENOMSG. On error *error says what, of which word,
 * and at which byte of the line.
 */
int ls_job_line_parse(char *line, size_t bytes, struct ls_job_line *ret, struct ls_error *error);

/* The same of words that are not encoded: a program's arguments, which are cut at their '='. */
int ls_job_line_parse_words(char **words, int count, struct ls_job_line *ret,
			    struct ls_error *error);

/* An error in step "job line"; path is cut at its NUL and at what ls_error can hold. */
int ls_job_line_fail(struct ls_error *error, int code, const char *path, size_t bytes,
		     int64_t offset);

#endif
