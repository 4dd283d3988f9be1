/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation write-text: writes a text to a file of the kernel (a tunable of procfs or sysfs, a
 * file of a control group) in one write(2). Other files are refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"

/* Which linux/magic.h lacks. Source: fs/configfs/mount.c. */
enum { CONFIGFS_MAGIC = 0x62656570 };

struct options {
	const char *file;
	const char *text;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_TEXT_OPTION("text", struct options, text, LS_REQUIRED),
	LS_OPTIONS_END,
};

/* 0, -EPERM where it is none of the kernel's, or why that is not known. */
static int require_kernels(int fd)
{
	static const uint32_t magics[] = {
		PROC_SUPER_MAGIC,    SYSFS_MAGIC,	 CONFIGFS_MAGIC, DEBUGFS_MAGIC,
		TRACEFS_MAGIC,	     CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
	};
	struct statfs st;

	if (fstatfs(fd, &st))
		return -errno;
	for (uint32_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if ((uint32_t)st.f_type == magics[i])
			return 0;
	return -EPERM;
}

/* Asked before open, which would wait for a reader of a FIFO. */
static int open_kernel_file(const char *path)
{
	struct stat st;
	int fd, err;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EPERM;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = require_kernels(fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int write_once(int fd, const char *text)
{
	const size_t length = strlen(text);
	ssize_t put;

	do
		put = write(fd, text, length);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return -errno;
	return (size_t)put == length ? 0 : -EIO;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	LS_CLOSE int fd = -1;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	fd = open_kernel_file(options.file);
	err = fd < 0 ? fd : write_once(fd, options.text);
	return err ? ls_result_fail(ret, err, "write text", options.file, -1) : 0;
}

const struct ls_operation ls_write_text_operation = { "write-text", specs, run };
