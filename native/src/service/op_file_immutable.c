/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation file-immutable: gives a regular file whose name begins with loadstone- the immutable
 * attribute (chattr +i), or takes it away, and has the kernel forget the file's inode. F2FS looks
 * at the attribute when it loads an inode: that of an immutable file may have large folios. Of one
 * that has, and is immutable no more, it reads nothing (EOPNOTSUPP) until it is loaded anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/own_name.h"
#include "core/record.h"
#include "system/cache.h"
#include "system/clock.h"

enum {
	TRIES = 5,
	PASSES = 4,
	PAUSE_NS = 50000000,
};

struct options {
	const char *file;
	uint64_t immutable;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, LS_REQUIRED),
	LS_CHOICE_OPTION("immutable", struct options, immutable, LS_CHOICES("off", "on"),
			 LS_REQUIRED),
	LS_OPTIONS_END,
};

/* On error *step is what was refused. */
static int set_attribute(int fd, const struct options *options, const char **step)
{
	unsigned int flags = 0, wanted;

	*step = "FS_IOC_GETFLAGS";
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -errno;
	wanted = flags & ~(unsigned int)FS_IMMUTABLE_FL;
	if (options->immutable)
		wanted |= FS_IMMUTABLE_FL;
	*step = "FS_IOC_SETFLAGS";
	return wanted != flags && ioctl(fd, FS_IOC_SETFLAGS, &wanted) ? -errno : 0;
}

/* Sets the attribute, and writes it to the device; the file is closed again. */
static int try_once(const struct options *options, const char **step)
{
	LS_CLOSE int fd = open(options->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	*step = "open";
	if (fd < 0)
		return -errno;
	err = set_attribute(fd, options, step);
	if (err && err != -EOPNOTSUPP)
		return err;
	if (syncfs(fd)) {
		*step = "syncfs";
		return -errno;
	}
	/* An inode with pages in the page cache is not forgotten. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return err;
}

/*
 * A dentry goes before its inode, and each only in the second pass when it was used lately. An
 * inode that is dirty or in use stays. What else is in the page cache may stay.
 */
static int drop_inode(void)
{
	int err = 0;

	for (int i = 0; i < PASSES && !err; i++)
		err = ls_cache_drop_inodes();
	return err;
}

/* Whether the inode that is in memory is one that can be read. */
static int try_to_read(const struct options *options, const char **step)
{
	LS_CLOSE int fd = open(options->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char byte;

	*step = "open";
	if (fd < 0)
		return -errno;
	*step = "read";
	return pread(fd, &byte, sizeof(byte), 0) < 0 ? -errno : 0;
}

static int set_and_forget(const struct options *options, const char **step)
{
	int refused = try_once(options, step), err;

	if (refused && refused != -EOPNOTSUPP)
		return refused;
	err = drop_inode();
	if (!err)
		return refused ? refused : try_to_read(options, step);
	*step = "drop_caches";
	return err;
}

static int check_file(const struct options *options, struct ls_result *ret)
{
	struct stat st;
	int err = ls_own_name_check(options->file);

	if (err)
		return ls_result_fail(ret, err, "file name", options->file, -1);
	if (lstat(options->file, &st))
		return ls_result_fail(ret, -errno, "open", options->file, -1);
	if (!S_ISREG(st.st_mode))
		return ls_result_fail(ret, -EINVAL, "file name", options->file, -1);
	return 0;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	const char *step = "";
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = check_file(&options, ret);
	if (err)
		return err;
	err = set_and_forget(&options, &step);
	for (int i = 1; i < TRIES && err == -EOPNOTSUPP; i++) {
		ls_clock_pause(PAUSE_NS);
		err = set_and_forget(&options, &step);
	}
	return err ? ls_result_fail(ret, err, step, options.file, -1) : 0;
}

const struct ls_operation ls_file_immutable_operation = { "file-immutable", specs, run };
