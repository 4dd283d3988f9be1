/* SPDX-License-Identifier: Apache-2.0 */
/* Effects of the page cache: the kernel's copying, buffered writes, two ways to read. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calibrate/calibrate.h"
#include "core/arithmetic.h"
#include "core/operation.h"
#include "core/record.h"
#include "core/size.h"
#include "system/cache.h"
#include "system/file.h"

static int fail(struct ls_calibration *calibration, int code, const char *step, uint64_t offset)
{
	return ls_result_fail(calibration->result, code, step, calibration->options.file,
			      (int64_t)offset);
}

static int map_source(struct ls_calibration *calibration, uint64_t bytes)
{
	calibration->source_bytes = bytes;
	return ls_calibration_map(calibration, bytes, &calibration->source);
}

static int fill(struct ls_calibration *calibration)
{
	for (uint64_t i = 0; i < calibration->count; i++) {
		int err = ls_file_write(calibration->file, calibration->source, LS_MIB,
					i * LS_MIB, 0);

		if (err)
			return fail(calibration, err, "write", i * LS_MIB);
	}
	return 0;
}

static int remove_file(struct ls_calibration *calibration)
{
	if (calibration->file >= 0)
		close(calibration->file);
	calibration->file = -1;
	if (calibration->has_made_file && unlink(calibration->options.file))
		return ls_calibration_fail(calibration, -errno, "remove");
	calibration->has_made_file = 0;
	return 0;
}

static int make_file(struct ls_calibration *calibration)
{
	int err = remove_file(calibration);

	if (err)
		return err;
	calibration->file = open(calibration->options.file,
				 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (calibration->file < 0)
		return ls_calibration_fail(calibration, -errno, "create");
	calibration->has_made_file = 1;
	return 0;
}

static int prepare_kernel_copy(struct ls_calibration *calibration)
{
	int err = map_source(calibration, LS_MIB);

	calibration->target_bytes = calibration->count * LS_MIB;
	if (!err)
		err = ls_calibration_map(calibration, calibration->target_bytes,
					 &calibration->target);
	if (err)
		return err;
	calibration->file = memfd_create("loadstone-calibrate", MFD_CLOEXEC);
	if (calibration->file < 0)
		return ls_calibration_fail(calibration, -errno, "memfd_create");
	return fill(calibration);
}

static int read_into(struct ls_calibration *calibration, uint64_t step_bytes)
{
	for (uint64_t i = 0; i < calibration->count; i++) {
		int err = ls_file_read(calibration->file, calibration->target + i * step_bytes,
				       LS_MIB, i * LS_MIB);

		if (err)
			return fail(calibration, err, "read", i * LS_MIB);
	}
	return 0;
}

static int copy_by_kernel(struct ls_calibration *calibration)
{
	return read_into(calibration, LS_MIB);
}

static int prepare_write(struct ls_calibration *calibration)
{
	const uint64_t most = calibration->count * LS_MIB;

	if (!calibration->options.size || calibration->options.size > most)
		return ls_option_refuse(calibration->result, "size", calibration->options.size);
	return map_source(calibration, calibration->options.size);
}

static int write_file(struct ls_calibration *calibration)
{
	const uint64_t end = calibration->count * LS_MIB, size = calibration->options.size;

	for (uint64_t at = 0; at < end; at += size) {
		int err = ls_file_write(calibration->file, calibration->source,
					ls_min(size, end - at), at, 0);

		if (err)
			return fail(calibration, err, "write", at);
	}
	return 0;
}

/* A file in the page cache, its writing back done, and a MiB of memory that it is read into. */
static int prepare_read(struct ls_calibration *calibration)
{
	int err = map_source(calibration, LS_MIB);

	calibration->target_bytes = LS_MIB;
	if (!err)
		err = ls_calibration_map(calibration, LS_MIB, &calibration->target);
	if (!err)
		err = make_file(calibration);
	if (!err)
		err = fill(calibration);
	if (!err && fsync(calibration->file))
		err = ls_calibration_fail(calibration, -errno, "fsync");
	return err;
}

static int check_cached(struct ls_calibration *calibration)
{
	const uint64_t bytes = calibration->count * LS_MIB;
	int64_t resident = 0;
	int err = ls_cache_resident(calibration->file, bytes, &resident);

	if (!err && (uint64_t)resident < bytes)
		err = -EAGAIN;
	return err ? fail(calibration, err, "page cache of", (uint64_t)resident) : 0;
}

static int read_by_pread(struct ls_calibration *calibration)
{
	return read_into(calibration, 0);
}

/* Removes the mapping of the batch before, which filled its page tables. */
static int renew_mapping(struct ls_calibration *calibration)
{
	ls_calibration_unmap(&calibration->source, calibration->source_bytes);
	return 0;
}

static int read_by_mmap(struct ls_calibration *calibration)
{
	const uint64_t bytes = calibration->count * LS_MIB;
	void *map = mmap(NULL, ls_size(bytes), PROT_READ, MAP_SHARED, calibration->file, 0);

	if (map == MAP_FAILED)
		return ls_calibration_fail(calibration, -errno, "mmap");
	calibration->source = map;
	calibration->source_bytes = bytes;
	for (uint64_t i = 0; i < calibration->count; i++)
		memcpy(calibration->target, calibration->source + i * LS_MIB, LS_MIB);
	return 0;
}

const struct ls_effect ls_effect_kernel_copy = {
	.unit_bytes = LS_MIB, .count = 16,
	.prepare = prepare_kernel_copy, .work = copy_by_kernel,
};

const struct ls_effect ls_effect_write = {
	.unit_bytes = LS_MIB, .count = 16, .prepare = prepare_write,
	.renew = make_file, .work = write_file,
};

const struct ls_effect ls_effect_read_pread = {
	.unit_bytes = LS_MIB, .count = 16, .prepare = prepare_read,
	.work = read_by_pread, .check = check_cached,
};

const struct ls_effect ls_effect_read_mmap = {
	.unit_bytes = LS_MIB, .count = 16, .prepare = prepare_read,
	.renew = renew_mapping, .work = read_by_mmap, .check = check_cached,
};
