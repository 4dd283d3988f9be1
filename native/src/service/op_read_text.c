/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation read-text: the text of a small file from a byte on, as the before of the
 * job's first sample. One that is longer than that ends with a whole line, where there
 * is one; read on from offset + bytes until is_end. Only regular files: others may have
 * no end.
 */
#include <errno.h>
#include <sys/stat.h>

#include "core/operation.h"
#include "core/record.h"
#include "system/text.h"

struct options {
	const char *file;
	uint64_t offset;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_NUMBER_OPTION("offset", struct options, offset, "0"),
	LS_OPTIONS_END,
};

static int read_regular(const char *path, uint64_t offset, char *text, size_t *ret)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return ls_text_read(path, offset, text, ret);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	size_t length, lines;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	if (!job->samples_count)
		return ls_result_fail(ret, -ENODATA, "sample for the text", options.file, -1);
	if (options.offset > INT64_MAX)
		return ls_result_fail(ret, -ERANGE, "option", "offset", -1);
	err = read_regular(options.file, options.offset, ret->before, &length);
	if (err) {
		ret->before[0] = '\0';
		return ls_result_fail(ret, err, "read text", options.file, -1);
	}
	ls_value_add(ret, "is_end", length < LS_SAMPLE_BYTES - 1);
	lines = ls_text_lines(ret->before, length);
	if (length == LS_SAMPLE_BYTES - 1 && lines)
		length = lines;
	ret->before[length] = '\0';
	ls_value_add(ret, "bytes", (int64_t)length);
	return 0;
}

const struct ls_operation ls_read_text_operation = { "read-text", specs, run };
