/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation remove-file: removes a regular file whose name begins with loadstone-; one
 * that is gone already is fine. -EPERM for any other name, -EINVAL for what is no file.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/operation.h"
#include "core/own_name.h"
#include "core/record.h"

struct options {
	const char *file;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_OPTIONS_END,
};

static int is_gone(int code)
{
	return code == ENOENT || code == ENOTDIR;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct stat st;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = ls_own_name_check(options.file);
	if (err)
		return ls_result_fail(ret, err, "file name", options.file, -1);
	if (!lstat(options.file, &st)) {
		if (!S_ISREG(st.st_mode))
			return ls_result_fail(ret, -EINVAL, "file name", options.file, -1);
		if (!unlink(options.file))
			return 0;
	}
	return is_gone(errno) ? 0 : ls_result_fail(ret, -errno, "remove", options.file, -1);
}

const struct ls_operation ls_remove_file_operation = { "remove-file", specs, run };
