/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadstone-job OPERATION [key=value]...: runs one job and prints one line of
 * JSON. For tests, and for a person who has a shell and nothing else. Exit code
 * 0; 1 where the job failed; 2 for wrong usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadstone.h"

enum { OPTIONS_MAX = 64 };

static int explain_usage(void)
{
	const char *name;

	fprintf(stderr, "usage: loadstone-job OPERATION [key=value]...\noperations:");
	for (uint32_t i = 0; (name = ls_operation_name(i)); i++)
		fprintf(stderr, " %s", name);
	fprintf(stderr, "\n");
	return 2;
}

/* Cuts each word at its '='; 0 when one has none, or there are too many. */
static int parse_options(char **words, uint32_t count, struct ls_option *options)
{
	if (count > OPTIONS_MAX)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		char *value = strchr(words[i], '=');

		if (!value)
			return 0;
		*value++ = '\0';
		options[i] = (struct ls_option){ words[i], value };
	}
	return 1;
}

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\' || byte < ' ')
			printf("\\u%04x", byte);
		else
			putchar(byte);
	}
	putchar('"');
}

static void print_error(const struct ls_error *error)
{
	if (!error->code) {
		printf("null");
		return;
	}
	printf("{\"code\": %d, \"step\": ", -error->code);
	print_text(error->step);
	printf(", \"path\": ");
	print_text(error->path);
	printf(", \"offset\": %lld}", (long long)error->offset);
}

static void print_result(const struct ls_result *result)
{
	printf("{\"error\": ");
	print_error(&result->error);
	printf(", \"values\": {");
	for (uint32_t i = 0; i < result->values_count; i++) {
		printf(i ? ", " : "");
		print_text(result->values[i].name);
		printf(": %lld", (long long)result->values[i].value);
	}
	printf("}, \"spans\": %u, \"spans_lost\": %u, \"histograms\": %u}\n",
	       result->spans_count, result->spans_lost, result->histograms_count);
}

int main(int argc, char **argv)
{
	struct ls_option options[OPTIONS_MAX];
	struct ls_job job = { .options = options };
	struct ls_result *result;
	int has_failed;

	if (argc < 2 || !parse_options(argv + 2, (uint32_t)argc - 2, options))
		return explain_usage();
	job.operation = argv[1];
	job.options_count = (uint32_t)argc - 2;
	result = calloc(1, sizeof(*result));
	if (!result)
		return 1;
	has_failed = ls_job_run(&job, result) != 0;
	print_result(result);
	free(result);
	return has_failed;
}
