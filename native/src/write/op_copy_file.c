/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation copy-file: copies a file into a new one, whose name begins with loadstone-, and
 * times that up to where all is on the disk. With compress=f2fs the copy lies in an F2FS that is
 * mounted with compress_mode=user: its clusters are compressed when all of it has been written,
 * and what that saves is set free. Until then its blocks stay reserved, and after that
 * the file cannot be written to any more.
 * Source: include/uapi/linux/f2fs.h and Documentation/filesystems/f2fs.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/own_name.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/region.h"

enum { BLOCK_BYTES = 1 << 20 };

#define GET_COMPRESS_BLOCKS _IOR(0xf5, 17, uint64_t)
#define RELEASE_COMPRESS_BLOCKS _IOR(0xf5, 18, uint64_t)
#define COMPRESS_FILE _IO(0xf5, 24)

enum compress { NONE, F2FS };

struct options {
	const char *source;
	const char *file;
	uint64_t compress;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("source", struct options, source, LS_REQUIRED),
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_CHOICE_OPTION("compress", struct options, compress, LS_CHOICES("none", "f2fs"), "none"),
	LS_OPTIONS_END,
};

struct copying {
	struct options options;
	struct ls_result *result;
	int source;
	int file;
	uint64_t bytes;
	int64_t reading_ns;	/* of the source */
	uint8_t *block;
};

static int fail(const struct copying *copying, int code, const char *step, int64_t offset)
{
	return ls_result_fail(copying->result, code, step, copying->options.file, offset);
}

static int open_both(struct copying *copying)
{
	const struct options *options = &copying->options;
	struct stat stat;
	int err = ls_file_stat(options->source, &stat);

	if (err)
		return ls_result_fail(copying->result, err, "open", options->source, -1);
	err = ls_own_name_check(options->file);
	if (err)
		return fail(copying, err, "create", -1);
	copying->source = open(options->source, O_RDONLY | O_CLOEXEC);
	if (copying->source < 0 || fstat(copying->source, &stat))
		return ls_result_fail(copying->result, -errno, "open", options->source, -1);
	copying->bytes = (uint64_t)stat.st_size;
	copying->file = open(options->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return copying->file < 0 ? fail(copying, -errno, "create", -1) : 0;
}

static int copy_block(struct copying *copying, uint64_t at)
{
	uint64_t bytes = ls_min(copying->bytes - at, BLOCK_BYTES);
	int64_t start_ns = ls_clock_now();
	int err = ls_file_read(copying->source, copying->block, bytes, at);

	copying->reading_ns += ls_clock_now() - start_ns;
	if (err)
		return ls_result_fail(copying->result, err, "read", copying->options.source,
				      (int64_t)at);
	err = ls_file_write(copying->file, copying->block, bytes, at, 0);
	return err ? fail(copying, err, "write", (int64_t)at) : 0;
}

static int write_all(struct copying *copying)
{
	int64_t start_ns = ls_clock_now();

	for (uint64_t at = 0; at < copying->bytes; at += BLOCK_BYTES) {
		int err = copy_block(copying, at);

		if (err)
			return err;
	}
	if (fsync(copying->file))
		return fail(copying, -errno, "fsync", -1);
	ls_span_add(copying->result, "write", 0, start_ns, ls_clock_now());
	return 0;
}

static int compress(const struct copying *copying)
{
	int64_t start_ns = ls_clock_now();

	if (copying->options.compress != F2FS)
		return 0;
	if (ioctl(copying->file, COMPRESS_FILE))
		return fail(copying, -errno, "F2FS_IOC_COMPRESS_FILE", -1);
	if (fsync(copying->file))
		return fail(copying, -errno, "fsync", -1);
	ls_span_add(copying->result, "compress", 0, start_ns, ls_clock_now());
	return 0;
}

/* With what finds the data. */
static int sync_all(const struct copying *copying)
{
	int64_t start_ns = ls_clock_now();

	if (syncfs(copying->file))
		return fail(copying, -errno, "syncfs", -1);
	ls_span_add(copying->result, "sync", 0, start_ns, ls_clock_now());
	return 0;
}

/* A file of which nothing was saved has nothing to release, and answers EPERM. */
static int release_blocks(const struct copying *copying)
{
	uint64_t blocks = 0;

	if (copying->options.compress != F2FS)
		return 0;
	if (ioctl(copying->file, GET_COMPRESS_BLOCKS, &blocks))
		return fail(copying, -errno, "F2FS_IOC_GET_COMPRESS_BLOCKS", -1);
	ls_value_add(copying->result, "saved_blocks", (int64_t)blocks);
	if (!blocks)
		return 0;
	if (ioctl(copying->file, RELEASE_COMPRESS_BLOCKS, &blocks))
		return fail(copying, -errno, "F2FS_IOC_RELEASE_COMPRESS_BLOCKS", -1);
	return syncfs(copying->file) ? fail(copying, -errno, "syncfs", -1) : 0;
}

static int measure(struct copying *copying, const struct ls_job *job)
{
	struct ls_region region;
	int64_t start_ns, end_ns;
	int err;

	ls_region_enter(&region, job, copying->result);
	start_ns = ls_clock_now();
	err = write_all(copying);
	if (!err)
		err = compress(copying);
	if (!err)
		err = sync_all(copying);
	end_ns = ls_clock_now();
	ls_region_leave(&region, start_ns);
	if (err)
		return err;
	ls_value_add(copying->result, ls_value_elapsed_ns, end_ns - start_ns);
	ls_value_add(copying->result, "reading_ns", copying->reading_ns);
	ls_value_add(copying->result, "bytes", (int64_t)copying->bytes);
	ls_region_report(&region);
	return release_blocks(copying);
}

static void release(const struct copying *copying)
{
	if (copying->source >= 0)
		close(copying->source);
	if (copying->file >= 0)
		close(copying->file);
	free(copying->block);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct copying copying = { .result = ret, .source = -1, .file = -1 };
	int err = ls_options_parse(specs, job, &copying.options, ret);

	if (err)
		return err;
	copying.block = malloc(BLOCK_BYTES);
	if (!copying.block)
		return ls_result_fail(ret, -ENOMEM, "reserve block", "memory", -1);
	err = open_both(&copying);
	if (!err)
		err = measure(&copying, job);
	release(&copying);
	return err;
}

const struct ls_operation ls_copy_file_operation = { "copy-file", specs, run };
