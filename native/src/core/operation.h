/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation is, and how its options reach it. */
#ifndef LS_OPERATION_H
#define LS_OPERATION_H

#include <stddef.h>

#include "loadstone.h"

/*
 * One option: where its value goes in the operation's own struct. Numbers and
 * choices (as their position) are uint64_t, texts are const char *.
 */
struct ls_option_spec {
	const char *key;
	enum ls_option_kind kind;
	const char *choices;		/* space-separated, for LS_OPTION_CHOICE */
	const char *fallback;		/* NULL: must be given */
	size_t offset;
};

struct ls_operation {
	const char *name;
	const struct ls_option_spec *options;	/* ends with key NULL */
	int (*run)(const struct ls_job *job, struct ls_result *ret);
};

extern const struct ls_operation *const ls_operations[];	/* ends with NULL */

/* Fills the operation's struct from the job; on error ret->error names the key. */
int ls_options_parse(const struct ls_option_spec *specs, const struct ls_job *job,
		     void *values, struct ls_result *ret);

#endif
