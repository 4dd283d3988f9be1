/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation control-group: makes a control group whose name begins with loadstone-, has the Job's
 * own process enter it, or removes it. One that is gone already is fine. -EPERM for any other name,
 * and for what is no control group.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/operation.h"
#include "core/own_name.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/control_group.h"

enum {
	MAKE,
	ENTER,
	REMOVE,
	/* A process that was killed is in its group until its memory is freed. */
	REMOVE_TRIES = 300,
	PAUSE_NS = 10000000,
};

struct options {
	const char *directory;
	uint64_t action;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("directory", struct options, directory, LS_REQUIRED),
	LS_CHOICE_OPTION("action", struct options, action, LS_CHOICES("make", "enter", "remove"),
			 LS_REQUIRED),
	LS_OPTIONS_END,
};

static int check_parent(const char *directory)
{
	char parent[PATH_MAX];

	if (snprintf(parent, sizeof(parent), "%s", directory) >= (int)sizeof(parent))
		return -ENAMETOOLONG;
	*strrchr(parent, '/') = '\0';
	return ls_control_group_check(*parent ? parent : "/");
}

static int make(const char *directory)
{
	int err = check_parent(directory);

	if (err)
		return err;
	return mkdir(directory, 0755) ? -errno : 0;
}

static int enter(const char *directory)
{
	int err = ls_control_group_check(directory);

	return err ? err : ls_control_group_enter(directory);
}

static int remove_group(const char *directory)
{
	int err = ls_control_group_check(directory);

	for (int i = 0; !err; i++) {
		if (!rmdir(directory))
			return 0;
		if (errno != EBUSY || i == REMOVE_TRIES)
			err = -errno;
		else
			ls_clock_pause(PAUSE_NS);
	}
	return err == -ENOENT || err == -ENOTDIR ? 0 : err;
}

static int act(const struct options *options)
{
	switch (options->action) {
	case MAKE:
		return make(options->directory);
	case ENTER:
		return enter(options->directory);
	default:
		return remove_group(options->directory);
	}
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	static const char *const steps[] = { "make control group", "enter control group",
					     "remove control group" };
	struct options options = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = ls_own_name_check(options.directory);
	if (err)
		return ls_result_fail(ret, err, "control group name", options.directory, -1);
	err = act(&options);
	return err ? ls_result_fail(ret, err, steps[options.action], options.directory, -1) : 0;
}

const struct ls_operation ls_control_group_operation = { "control-group", specs, run };
