/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer over the parser of Job lines: every text of the result lies within the line, and
 * ends there.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "job_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_text(const char *line, size_t bytes, const char *text)
{
	assert(text >= line && text + strlen(text) <= line + bytes);
}

static void check_job(const char *line, size_t bytes, const struct ls_job_line *job)
{
	check_text(line, bytes, job->operation);
	assert(job->options_count <= LS_JOB_LINE_OPTIONS_MAX);
	assert(job->samples_count <= LS_SAMPLES_MAX);
	for (uint32_t i = 0; i < job->options_count; i++) {
		check_text(line, bytes, job->options[i].key);
		check_text(line, bytes, job->options[i].value);
		for (uint32_t j = 0; j < i; j++)
			assert(strcmp(job->options[i].key, job->options[j].key));
	}
	for (uint32_t i = 0; i < job->samples_count; i++)
		check_text(line, bytes, job->samples[i]);
	assert(job->timeout_s > 0);
	assert(!job->cpus || CPU_COUNT(&job->cpu_set) > 0);
}

static void check_error(size_t bytes, int code, const struct ls_error *error)
{
	assert(code < 0 && error->code == code);
	assert(!strcmp(error->step, "job line"));
	assert(memchr(error->path, '\0', sizeof(error->path)));
	assert(error->offset >= -1 && error->offset < (int64_t)bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	/* Exactly as long as allowed, so that a sanitizer sees an access past its end. */
	char *line = malloc(bytes + 1);
	struct ls_job_line *job = malloc(sizeof(*job));
	struct ls_error error;
	int code;

	if (line && job) {
		memcpy(line, data, bytes);
		code = ls_job_line_parse(line, bytes, job, &error);
		if (code)
			check_error(bytes, code, &error);
		else
			check_job(line, bytes, job);
	}
	free(job);
	free(line);
	return 0;
}
