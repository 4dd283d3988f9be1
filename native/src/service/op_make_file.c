/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation make-file: writes a file of bytes that follow from a seed, so that the same
 * file can be made again: incompressible ones, or a text of English words. With
 * content=sparse it has the size and no blocks. The file must not exist.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "system/file.h"

enum { WRITE_BYTES = 1 << 20 };

enum content { RANDOM, SPARSE, TEXT };

struct options {
	const char *file;
	uint64_t bytes;
	uint64_t seed;
	uint64_t content;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_NUMBER_OPTION("bytes", struct options, bytes, LS_REQUIRED),
	LS_NUMBER_OPTION("seed", struct options, seed, "1"),
	LS_CHOICE_OPTION("content", struct options, content,
			 LS_CHOICES("random", "sparse", "text"), "random"),
	LS_OPTIONS_END,
};

static int fill(struct ls_random *random, uint64_t content, uint64_t *words)
{
	if (content == TEXT)
		return ls_payload_fill(LS_PAYLOAD_TEXT, ls_random_next(random), (uint8_t *)words,
				       WRITE_BYTES);
	ls_random_fill(random, words, WRITE_BYTES / sizeof(*words));
	return 0;
}

static int write_file(int fd, const struct options *options, struct ls_result *ret)
{
	LS_FREE uint64_t *words = malloc(WRITE_BYTES);
	struct ls_random random;

	if (!words)
		return ls_result_fail(ret, -ENOMEM, "reserve block", "memory", -1);
	ls_random_init(&random, options->seed);
	for (uint64_t at = 0; at < options->bytes; at += WRITE_BYTES) {
		uint64_t bytes = ls_min(options->bytes - at, WRITE_BYTES);
		int err = fill(&random, options->content, words);

		if (!err)
			err = ls_file_write(fd, words, bytes, at, 0);
		if (err)
			return ls_result_fail(ret, err, "write", options->file, (int64_t)at);
	}
	return 0;
}

static int make_sparse(int fd, const struct options *options, struct ls_result *ret)
{
	if (ftruncate(fd, (off_t)options->bytes))
		return ls_result_fail(ret, -errno, "ftruncate", options->file, -1);
	return 0;
}

static int make_whole(int fd, const struct options *options, struct ls_result *ret)
{
	int err;

	/*
	 * Contiguous on disk where the file system can; one that can't refuses, which does no
	 * harm.
	 */
	if (fallocate(fd, 0, 0, (off_t)options->bytes) && (errno == ENOSPC || errno == EFBIG))
		return ls_result_fail(ret, -errno, "fallocate", options->file, -1);
	err = write_file(fd, options, ret);
	if (!err && fsync(fd))
		err = ls_result_fail(ret, -errno, "fsync", options->file, -1);
	return err;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	LS_CLOSE int fd = -1;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	if (options.bytes > INT64_MAX)
		return ls_result_fail(ret, -EFBIG, "option", "bytes", -1);
	fd = open(options.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ls_result_fail(ret, -errno, "create", options.file, -1);
	return options.content == SPARSE ? make_sparse(fd, &options, ret)
					 : make_whole(fd, &options, ret);
}

const struct ls_operation ls_make_file_operation = { "make-file", specs, run };
