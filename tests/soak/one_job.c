/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out one Job in this very process, which the agent does in a child: so the n-th call that
 * a tracer breaks is the core's n-th. The first call of getpgrp(2) tells where the core begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "job_line.h"

int main(int count, char **words)
{
	static struct ls_job_line line;
	static struct ls_result result;
	struct ls_error error;
	struct ls_job job;

	if (ls_job_line_parse_words(words + 1, count - 1, &line, &error))
		return 2;
	result.before = calloc(2 * (line.samples_count + 1), LS_SAMPLE_BYTES);
	if (!result.before)
		return 2;
	result.after = result.before + (size_t)line.samples_count * LS_SAMPLE_BYTES;
	job = (struct ls_job){
		.operation = line.operation,
		.options = line.options,
		.options_count = line.options_count,
		.samples = line.samples,
		.samples_count = line.samples_count,
	};
	getpgrp();
	ls_job_run(&job, &result);
	getpgrp();
	ls_json_result(stdout, &job, &result);
	return fflush(stdout) ? 2 : 0;
}
