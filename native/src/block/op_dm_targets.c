/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation dm-targets: how many targets of each type a device-mapper device has,
 * whoever made it. Read only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block/dm.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"

struct options {
	const char *name;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("name", struct options, name, LS_REQUIRED),
	LS_OPTIONS_END,
};

static int begins_with(const char *line, const char *type, size_t length)
{
	return !strncmp(line, type, length) && line[length] == ' ';
}

static int64_t count(const char *status, const char *type, size_t length)
{
	int64_t found = 0;

	for (const char *line = status; *line; line = strchr(line, '\n') + 1)
		found += begins_with(line, type, length);
	return found;
}

/* Each type once, at its first target. */
static void report(const char *status, struct ls_result *ret)
{
	for (const char *line = status; *line; line = strchr(line, '\n') + 1) {
		size_t length = strcspn(line, " ");
		const char *first = status;
		char name[LS_NAME_BYTES];

		while (!begins_with(first, line, length))
			first = strchr(first, '\n') + 1;
		if (first != line)
			continue;
		snprintf(name, sizeof(name), "target_%.*s", (int)length, line);
		ls_value_add(ret, name, count(status, line, length));
	}
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct ls_dm dm = { .control = -1 };
	LS_FREE char *status = NULL;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = ls_dm_init(&dm);
	if (err)
		return ls_result_fail(ret, err, dm.step, "/dev/mapper/control", -1);
	err = ls_dm_status_any(&dm, options.name, &status);
	ls_dm_deinit(&dm);
	if (err)
		return ls_result_fail(ret, err, dm.step, options.name, -1);
	report(status, ret);
	return 0;
}

const struct ls_operation ls_dm_targets_operation = { "dm-targets", specs, run };
