/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of JSON for each Job: the fields of loadstone.model.Outcome, as core.run_job makes
 * them. Errors of writing stay in the stream, for ferror.
 */
#ifndef LS_JSON_H
#define LS_JSON_H

#include <stdio.h>

#include "loadstone.h"

/* A text in quotes; bytes that are not UTF-8 become U+FFFD, as many as Python makes of them. */
void ls_json_text(FILE *out, const char *text);

/* The result of a Job that was carried out. */
void ls_json_result(FILE *out, const struct ls_job *job, const struct ls_result *result);

/* The error of one that was not. */
void ls_json_error(FILE *out, const struct ls_error *error);

/* How the process of one ended that did not answer. */
void ls_json_death(FILE *out, const char *death);

#endif
