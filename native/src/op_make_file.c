/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation make-file: writes a file of incompressible bytes that follow from a
 * seed (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64), so that the
 * same file can be made again. The file must not exist.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard.h"
#include "operation.h"
#include "record.h"

enum { WRITE_BYTES = 1 << 20 };

struct options {
	const char *file;
	uint64_t bytes;
	uint64_t seed;
};

static const struct ls_option_spec specs[] = {
	{ "file", LS_OPTION_TEXT, NULL, NULL, offsetof(struct options, file) },
	{ "bytes", LS_OPTION_NUMBER, NULL, NULL, offsetof(struct options, bytes) },
	{ "seed", LS_OPTION_NUMBER, NULL, "1", offsetof(struct options, seed) },
	{ NULL, 0, NULL, NULL, 0 },
};

struct random {
	uint64_t state[4];
};

static uint64_t rotate(uint64_t word, int by)
{
	return (word << by) | (word >> (64 - by));
}

static void random_init(struct random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t word = seed += UINT64_C(0x9e3779b97f4a7c15);

		word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
		random->state[i] = word ^ (word >> 31);
	}
}

static uint64_t random_next(struct random *random)
{
	uint64_t *state = random->state;
	uint64_t word = rotate(state[1] * 5, 7) * 9;
	uint64_t shifted = state[1] << 17;

	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = rotate(state[3], 45);
	return word;
}

static int write_part(int fd, const uint64_t *words, uint64_t bytes, uint64_t offset)
{
	uint64_t done = 0;

	while (done < bytes) {
		ssize_t put = pwrite(fd, (const char *)words + done, bytes - done,
				     (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		done += (uint64_t)put;
	}
	return 0;
}

static int write_file(int fd, const struct options *options, struct ls_result *ret)
{
	LS_FREE uint64_t *words = malloc(WRITE_BYTES);
	struct random random;

	if (!words)
		return ls_result_fail(ret, -ENOMEM, "reserve block", "memory", -1);
	random_init(&random, options->seed);
	for (uint64_t at = 0; at < options->bytes; at += WRITE_BYTES) {
		uint64_t left = options->bytes - at;
		int err;

		for (size_t i = 0; i < WRITE_BYTES / sizeof(*words); i++)
			words[i] = random_next(&random);
		err = write_part(fd, words, left < WRITE_BYTES ? left : WRITE_BYTES, at);
		if (err)
			return ls_result_fail(ret, err, "write", options->file, (int64_t)at);
	}
	return 0;
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
	/* One piece on disk where the file system can; refused where it can't, and no matter. */
	if (fallocate(fd, 0, 0, (off_t)options.bytes) && (errno == ENOSPC || errno == EFBIG))
		return ls_result_fail(ret, -errno, "fallocate", options.file, -1);
	err = write_file(fd, &options, ret);
	if (!err && fsync(fd))
		err = ls_result_fail(ret, -errno, "fsync", options.file, -1);
	return err;
}

const struct ls_operation ls_make_file_operation = { "make-file", specs, run };
