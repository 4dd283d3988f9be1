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
	const char *const *choices;	/* of LS_OPTION_CHOICE; ends with NULL */
	const char *default_value;	/* NULL: must be given */
	size_t offset;
};

#define LS_REQUIRED NULL

/* Where a field lies, which must be of the type that its option is parsed to. */
#define LS_FIELD(type, field, wanted) \
	(offsetof(type, field) + \
	 0 * sizeof(struct { \
		_Static_assert(__builtin_types_compatible_p( \
				       __typeof__(((type *)0)->field), wanted), \
			       "type of the option's field " #field); \
		int unused; \
	 }))

#define LS_NUMBER_OPTION(key, type, field, default_value) \
	{ key, LS_OPTION_NUMBER, NULL, default_value, LS_FIELD(type, field, uint64_t) }
#define LS_TEXT_OPTION(key, type, field, default_value) \
	{ key, LS_OPTION_TEXT, NULL, default_value, LS_FIELD(type, field, const char *) }
/* choices: an array that ends with NULL, or LS_CHOICES. */
#define LS_CHOICE_OPTION(key, type, field, choices, default_value) \
	{ key, LS_OPTION_CHOICE, choices, default_value, LS_FIELD(type, field, uint64_t) }
#define LS_CHOICES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define LS_OPTIONS_END { .key = NULL }

struct ls_operation {
	const char *name;
	const struct ls_option_spec *options;	/* ends with key NULL */
	int (*run)(const struct ls_job *job, struct ls_result *ret);
};

extern const struct ls_operation *const ls_operations[];	/* ends with NULL */

/* Fills the operation's struct from the job; on error ret->error names the key. */
int ls_options_parse(const struct ls_option_spec *specs, const struct ls_job *job,
		     void *values, struct ls_result *ret);

/* Refuses a number that was parsed but is not allowed: -ERANGE, with the option's name. */
int ls_option_refuse(struct ls_result *result, const char *key, uint64_t value);

/* The same where it is not from least to most; else 0. */
int ls_option_check_range(struct ls_result *result, const char *key, uint64_t value,
			  uint64_t least, uint64_t most);

#endif
