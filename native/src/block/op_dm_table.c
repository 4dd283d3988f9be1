/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation dm-table: makes, changes, resumes, queries and removes one device-mapper device.
 * action=version needs no name and reports the driver's version.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/dm.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"

enum action { CREATE, RELOAD, REMOVE, RESUME, STATUS, VERSION };

struct options {
	uint64_t action;
	const char *name;
	const char *table;
	uint64_t mode;		/* as enum ls_dm_mode */
};

static const struct ls_option_spec specs[] = {
	LS_CHOICE_OPTION("action", struct options, action,
			 LS_CHOICES("create", "reload", "remove", "resume", "status", "version"),
			 LS_REQUIRED),
	LS_TEXT_OPTION("name", struct options, name, ""),
	LS_TEXT_OPTION("table", struct options, table, ""),
	LS_CHOICE_OPTION("mode", struct options, mode,
			 LS_CHOICES("read-write", "read-only"), "read-write"),
	LS_OPTIONS_END,
};

static void report_device(const struct ls_dm_device *device, struct ls_result *ret)
{
	ls_value_add(ret, "major", device->major);
	ls_value_add(ret, "minor", device->minor);
	ls_value_add(ret, "open_count", device->open_count);
	ls_value_add(ret, "targets", device->targets);
}

static int report_version(struct ls_dm *dm, struct ls_result *ret)
{
	struct ls_dm_version version = { 0 };
	int err = ls_dm_version(dm, &version);

	ls_value_add(ret, "version_major", version.major);
	ls_value_add(ret, "version_minor", version.minor);
	ls_value_add(ret, "version_patch", version.patch);
	return err;
}

/* How many targets report that they are valid, and how many that they found corruption. */
static void report_verity(const char *status, struct ls_result *ret)
{
	int64_t valid = 0, corrupt = 0;

	for (const char *line = status; *line; line = strchr(line, '\n') + 1) {
		valid += !strncmp(line, "verity V", 8);
		corrupt += !strncmp(line, "verity C", 8);
	}
	ls_value_add(ret, "verity_valid", valid);
	ls_value_add(ret, "verity_corrupt", corrupt);
}

static int report_status(struct ls_dm *dm, const char *name, struct ls_result *ret)
{
	struct ls_dm_device device = { 0 };
	LS_FREE char *status = NULL;
	int err = ls_dm_find(dm, name, &device);

	if (!err)
		err = ls_dm_status(dm, name, &status);
	if (err)
		return err;
	report_device(&device, ret);
	report_verity(status, ret);
	return 0;
}

static int act(struct ls_dm *dm, const struct options *options, struct ls_result *ret)
{
	const enum ls_dm_mode mode = options->mode ? LS_DM_READ_ONLY : LS_DM_READ_WRITE;
	struct ls_dm_device device = { 0 };
	int err;

	switch (options->action) {
	case CREATE:
		err = ls_dm_create(dm, options->name, options->table, mode, &device);
		if (!err)
			report_device(&device, ret);
		return err;
	case RELOAD:
		return ls_dm_reload(dm, options->name, options->table, mode);
	case REMOVE:
		return ls_dm_remove(dm, options->name);
	case RESUME:
		return ls_dm_resume(dm, options->name);
	case STATUS:
		return report_status(dm, options->name, ret);
	default:
		return report_version(dm, ret);
	}
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct ls_dm dm = { .control = -1 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	/* First, so that it is refused as well where there is no device-mapper. */
	if (options.action != VERSION)
		err = ls_dm_check_name(&dm, options.name);
	if (err)
		return ls_result_fail(ret, err, dm.step, options.name, -1);
	err = ls_dm_init(&dm);
	if (err)
		return ls_result_fail(ret, err, dm.step, "/dev/mapper/control", -1);
	err = act(&dm, &options, ret);
	if (err)
		err = ls_result_fail(ret, err, dm.step, options.name, -1);
	ls_dm_deinit(&dm);
	return err;
}

const struct ls_operation ls_dm_table_operation = { "dm-table", specs, run };
