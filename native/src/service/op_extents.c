/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation extents: where a file's bytes lie, as its file system tells: on the device as they
 * are, in another form, or not at all. Outside of any timed region. fiemap is 0, or -errno where
 * there is no map and so none of the values of one; the same for btrfs, whose id is told in two
 * halves, the first 8 bytes as high.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "system/extents.h"
#include "system/file.h"

struct options {
	const char *file;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_OPTIONS_END,
};

static void report_extents(const struct ls_extents *extents, struct ls_result *ret)
{
	ls_value_add(ret, "extents", (int64_t)extents->count);
	ls_value_add(ret, "mapped_bytes", extents->mapped_bytes);
	ls_value_add(ret, "hole_bytes", extents->hole_bytes);
	ls_value_add(ret, "unwritten_bytes", extents->unwritten_bytes);
	ls_value_add(ret, "encoded_bytes", extents->encoded_bytes);
	ls_value_add(ret, "encrypted_bytes", extents->encrypted_bytes);
	ls_value_add(ret, "inline_bytes", extents->inline_bytes);
	ls_value_add(ret, "shared_bytes", extents->shared_bytes);
	ls_value_add(ret, "unplaced_bytes", extents->unplaced_bytes);
	ls_value_add(ret, "plain_bytes", extents->plain_bytes);
}

static int64_t half(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return (int64_t)value;
}

/* By what name /sys/fs/btrfs has a file system, and how many devices it must have there. */
static void report_btrfs(int fd, struct ls_result *ret)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	int err = ioctl(fd, BTRFS_IOC_FS_INFO, &info) ? -errno : 0;

	ls_value_add(ret, "btrfs", err);
	if (err)
		return;
	ls_value_add(ret, "btrfs_id_high", half(info.fsid));
	ls_value_add(ret, "btrfs_id_low", half(info.fsid + 8));
	ls_value_add(ret, "btrfs_devices", (int64_t)info.num_devices);
}

/* Only a regular file or a directory is opened: a device may do something at that. */
static int report(const char *path, struct ls_result *ret)
{
	LS_CLOSE int fd = -1;
	struct ls_extents extents;
	struct stat st;
	int err;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -EINVAL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	report_btrfs(fd, ret);
	ls_value_add(ret, "attributes", ls_file_attributes(fd));
	if (!S_ISREG(st.st_mode))
		return 0;
	err = ls_extents_read(fd, (uint64_t)st.st_size, &extents);
	ls_value_add(ret, "fiemap", err);
	if (!err)
		report_extents(&extents, ret);
	return 0;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = report(options.file, ret);
	return err && !ret->error.code ? ls_result_fail(ret, err, "extents", options.file, -1)
				       : err;
}

const struct ls_operation ls_extents_operation = { "extents", specs, run };
