/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <errno.h>
#include <string.h>

#include "job_line.h"

static void put_operations(FILE *out)
{
	const char *name;

	for (uint32_t i = 0; (name = ls_operation_name(i)); i++)
		fprintf(out, " %s", name);
	fputs("\n", out);
}

void ls_help(FILE *out)
{
	fputs("loadstone-agent: carries out Jobs of the storage benchmark Loadstone on the device\n"
	      "that it is on. `loadstone run --target adb:SERIAL` puts it there and talks to it; a\n"
	      "person with a shell can as well.\n"
	      "\n"
	      "  loadstone-agent operation=NAME [KEY=VALUE]...   one Job\n"
	      "  loadstone-agent                                 Jobs from standard input, a line\n"
	      "                                                  each, until it ends\n"
	      "  loadstone-agent --help [OPERATION]              this; an operation's options\n"
	      "  loadstone-agent --version\n"
	      "\n"
	      "Keys that every Job has, in addition to those of its operation:\n"
	      "  operation=NAME     what to do\n", out);
	fprintf(out, "  sample=PATH        a kernel file (/proc/vmstat) to read right before and right\n"
		"                     after the timed region; repeatable, at most %d\n",
		LS_SAMPLES_MAX);
	fputs("  timeout-s=NUMBER   the Job is killed after so many seconds (600)\n"
	      "  cpus=LIST          the CPUs it may run on: 0-3,6\n"
	      "\n"
	      "In a line, write space as %20, newline as %0A, percent as %25, and so every other\n"
	      "control byte. Arguments are taken as they are.\n"
	      "\n"
	      "Standard output has a line of JSON that says who answers, then one for each Job:\n"
	      "error, death, spans, histograms, values, before, after. Times are ns. Exit code: 0\n"
	      "all Jobs answered without error, 1 some did not, 2 wrong usage.\n"
	      "\n"
	      "  loadstone-agent operation=make-file file=/data/local/tmp/x bytes=1048576\n"
	      "  loadstone-agent operation=model-load file=/data/local/tmp/x engine=pread \\\n"
	      "      io=direct destination=anon\n"
	      "\n"
	      "Operations:", out);
	put_operations(out);
}

void ls_help_version(FILE *out)
{
	fprintf(out, "loadstone-agent, protocol %d, %s, core %s\n", LS_AGENT_PROTOCOL,
		LS_AGENT_ARCHITECTURE, ls_core_source_hash());
}

void ls_help_hint(FILE *out)
{
	fputs("usage: loadstone-agent operation=NAME [KEY=VALUE]...; --help says more\n"
	      "operations:", out);
	put_operations(out);
}

static const char *kind_word(int32_t kind)
{
	switch (kind) {
	case LS_OPTION_NUMBER:
		return "a number";
	case LS_OPTION_TEXT:
		return "any text: a path, a name";
	default:
		return "one of:";
	}
}

static void put_option(FILE *out, const struct ls_option_info *option)
{
	fprintf(out, "  %-16s %s", option->key, kind_word(option->kind));
	for (const char *const *choice = option->choices; choice && *choice; choice++)
		fprintf(out, " %s", *choice);
	if (!option->default_value)
		fputs("; must be given\n", out);
	else if (option->default_value[0])
		fprintf(out, "; %s if not given\n", option->default_value);
	else
		fputs("\n", out);
}

int ls_help_operation(FILE *out, const char *operation)
{
	struct ls_option_info option;
	const char *name;

	for (uint32_t i = 0; (name = ls_operation_name(i)); i++)
		if (!strcmp(name, operation))
			break;
	if (!name)
		return -ENOENT;
	fprintf(out, "operation=%s\n", name);
	for (uint32_t i = 0; !ls_operation_option(name, i, &option); i++)
		put_option(out, &option);
	return 0;
}
