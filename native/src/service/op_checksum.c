/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation checksum: reads a file (bypassing the page cache where the file system allows it)
 * and writes the CRC-32C of each 1 MiB block, as native uint32_t, to another. Also records the
 * file's identity, so that a later change is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "core/size.h"
#include "system/block_checksum.h"
#include "system/file.h"

enum { SECTOR_BYTES = 512 };

struct options {
	const char *file;
	const char *output;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_TEXT_OPTION("output", struct options, output, LS_REQUIRED),
	LS_OPTIONS_END,
};

/*
 * Reads the bytes of one block; *ret is how many were read. Whole blocks are requested,
 * because O_DIRECT takes nothing else.
 */
static int read_block(int fd, uint8_t *block, uint64_t start, uint64_t bytes, uint64_t *ret)
{
	*ret = 0;
	while (*ret < bytes) {
		ssize_t got = pread(fd, block + *ret, ls_size(LS_CHECKSUM_BLOCK_BYTES - *ret),
				    (off_t)(start + *ret));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? ls_file_read_error(-errno, *ret, SECTOR_BYTES) : -ENODATA;
		*ret += (uint64_t)got;
	}
	return 0;
}

static int sum_blocks(const struct options *options, int fd, uint64_t file_bytes, uint32_t *crcs,
		      struct ls_result *ret)
{
	LS_FREE void *block = NULL;
	uint64_t got;

	if (posix_memalign(&block, 65536, LS_CHECKSUM_BLOCK_BYTES))
		return ls_result_fail(ret, -ENOMEM, "reserve block", "memory", -1);
	for (uint64_t i = 0; i < ls_checksums_count(file_bytes); i++) {
		uint64_t start = i * LS_CHECKSUM_BLOCK_BYTES;
		uint64_t bytes = ls_min(file_bytes - start, LS_CHECKSUM_BLOCK_BYTES);
		int err = read_block(fd, block, start, bytes, &got);

		if (err)
			return ls_result_fail(ret, err, "read", options->file,
					      (int64_t)(start + got));
		crcs[i] = ls_crc32c_update(0, block, bytes);
	}
	return 0;
}

static int can_read_direct(int fd)
{
	LS_FREE void *block = NULL;

	return !posix_memalign(&block, 65536, 65536) && pread(fd, block, 65536, 0) >= 0;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);

	if (fd >= 0 && can_read_direct(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	LS_FREE uint32_t *crcs = NULL;
	LS_CLOSE int file = -1;
	LS_CLOSE int output = -1;
	struct stat stat;
	uint64_t count;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = ls_file_stat(options.file, &stat);
	if (err)
		return ls_result_fail(ret, err, "open", options.file, -1);
	file = open_file(options.file);
	if (file < 0 || fstat(file, &stat))
		return ls_result_fail(ret, -errno, "open", options.file, -1);
	count = ls_checksums_count((uint64_t)stat.st_size);
	crcs = malloc(ls_size((count + 1) * sizeof(*crcs)));
	if (!crcs)
		return ls_result_fail(ret, -ENOMEM, "reserve checksums", "memory", -1);
	err = sum_blocks(&options, file, (uint64_t)stat.st_size, crcs, ret);
	if (err)
		return err;
	output = open(options.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	err = output < 0 ? -errno : ls_file_write(output, crcs, count * sizeof(*crcs), 0, 0);
	if (err)
		return ls_result_fail(ret, err, "write", options.output, -1);
	ls_value_add(ret, "crc32c", ls_crc32c_update(0, (uint8_t *)crcs, count * sizeof(*crcs)));
	ls_file_report(&stat, ret);
	return 0;
}

const struct ls_operation ls_checksum_operation = { "checksum", specs, run };
