/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation list-directories: what lies in each of the directories that the job's samples name,
 * as its before: a line for each entry, its name and its path without links; first "." for the
 * directory itself. Empty where one cannot be listed; what does not fit is left out.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/guard.h"
#include "core/operation.h"

static const struct ls_option_spec specs[] = {
	LS_OPTIONS_END,
};

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* How much of the text there is with the line; a name or a path that would break it is left out. */
static size_t add_line(const char *directory, const char *name, char *text, size_t length)
{
	LS_FREE char *path = NULL;
	LS_FREE char *real = NULL;
	int bytes;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return length;
	}
	real = realpath(path, NULL);
	if (!real || strchr(name, '\n') || strchr(real, '\n'))
		return length;
	bytes = snprintf(text + length, LS_SAMPLE_BYTES - length, "%s %s\n", name, real);
	if (bytes < 0 || (size_t)bytes >= LS_SAMPLE_BYTES - length) {
		text[length] = '\0';
		return length;
	}
	return length + (size_t)bytes;
}

static void list(const char *path, char *text)
{
	__attribute__((cleanup(close_directory))) DIR *directory = opendir(path);
	const struct dirent *entry;
	size_t length;

	text[0] = '\0';
	if (!directory)
		return;
	length = add_line(path, ".", text, 0);
	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			length = add_line(path, entry->d_name, text, length);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	int err = ls_options_parse(specs, job, NULL, ret);

	for (uint32_t i = 0; !err && i < job->samples_count; i++)
		list(job->samples[i], ret->before + (size_t)i * LS_SAMPLE_BYTES);
	return err;
}

const struct ls_operation ls_list_directories_operation = { "list-directories", specs, run };
