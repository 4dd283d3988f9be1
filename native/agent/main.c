/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadstone-agent: carries out Jobs on a device that has nothing of Loadstone but this file.
 * Jobs come as lines on standard input, or one as arguments; each answer is a line of JSON on
 * standard output, behind a first line that says who answers. Exit code: 0 all Jobs answered
 * without error, 1 some did not, 2 wrong usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "help.h"
#include "json.h"
#include "line_reader.h"

enum { EXIT_USAGE = 2 };

static int say_hello(void)
{
	printf("{\"loadstone_agent\": %d, \"core\": \"%s\", \"architecture\": \"%s\", "
	       "\"page_bytes\": %ld, \"uid\": %lu}\n",
	       LS_AGENT_PROTOCOL, ls_core_source_hash(), LS_AGENT_ARCHITECTURE,
	       sysconf(_SC_PAGESIZE), (unsigned long)geteuid());
	return fflush(stdout) ? -errno : 0;
}

static int refuse(const struct ls_error *error)
{
	ls_json_error(stdout, error);
	return fflush(stdout) ? -errno : 1;
}

/* 0, 1 or -errno as ls_child_run. */
static int answer_line(char *text, size_t bytes, struct ls_job_line *line)
{
	struct ls_error error;
	int err = ls_job_line_parse(text, bytes, line, &error);

	if (err == -ENOMSG)
		return 0;
	return err ? refuse(&error) : ls_child_run(line, 0);
}

static int answer_long_line(const char *text, size_t bytes)
{
	struct ls_error error;

	ls_job_line_fail(&error, -E2BIG, text, strnlen(text, bytes), LS_JOB_LINE_BYTES);
	return refuse(&error);
}

static int serve_lines(struct ls_line_reader *reader, struct ls_job_line *line)
{
	int has_failed = 0;

	for (;;) {
		char *text = NULL;
		size_t bytes = 0;
		int got = ls_line_reader_next(reader, &text, &bytes);
		int answer;

		if (!got)
			return has_failed;
		if (got > 0)
			answer = answer_line(text, bytes, line);
		else if (got == -E2BIG)
			answer = answer_long_line(text, bytes);
		else
			return got;
		if (answer < 0)
			return answer;
		has_failed |= answer;
	}
}

static int serve(void)
{
	struct ls_job_line *line = malloc(sizeof(*line));
	struct ls_line_reader reader;
	int err = ls_line_reader_init(&reader, STDIN_FILENO, LS_JOB_LINE_BYTES);

	if (!err)
		err = line ? say_hello() : -ENOMEM;
	if (!err)
		err = serve_lines(&reader, line);
	ls_line_reader_deinit(&reader);
	free(line);
	if (err < 0)
		fprintf(stderr, "loadstone-agent: %s\n", strerror(-err));
	return err != 0;
}

static int run_words(char **words, int count)
{
	struct ls_job_line line;
	struct ls_error error;

	if (ls_job_line_parse_words(words, count, &line, &error)) {
		fprintf(stderr, "loadstone-agent: %s: %s\n", error.path,
			error.code == -EEXIST ? "is given twice" : strerror(-error.code));
		ls_help_hint(stderr);
		return EXIT_USAGE;
	}
	return say_hello() || ls_child_run(&line, 1);
}

static int explain(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version"))
		ls_help_version(stdout);
	else if (argc == 2 && !strcmp(argv[1], "--help"))
		ls_help(stdout);
	else if (argc != 3 || strcmp(argv[1], "--help") || ls_help_operation(stdout, argv[2])) {
		fprintf(stderr, "loadstone-agent: %s %s: there is no such thing\n", argv[1],
			argc > 2 ? argv[2] : "");
		ls_help_hint(stderr);
		return EXIT_USAGE;
	}
	return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
	/* Where the reader has closed its end, write fails instead. */
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && argv[1][0] == '-')
		return explain(argc, argv);
	return argc > 1 ? run_words(argv + 1, argc - 1) : serve();
}
