/* SPDX-License-Identifier: Apache-2.0 */
#include "system/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/guard.h"

int ls_device_query(const char *path, struct ls_device_info *ret)
{
	int read_only = 0, block_bytes = 0;
	LS_CLOSE int fd = -1;
	struct stat stat_;

	if (stat(path, &stat_))
		return -errno;
	if (!S_ISBLK(stat_.st_mode))
		return -ENOTBLK;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &ret->bytes) || ioctl(fd, BLKROGET, &read_only) ||
	    ioctl(fd, BLKSSZGET, &block_bytes))
		return -errno;
	ret->is_read_only = read_only;
	ret->block_bytes = (uint32_t)block_bytes;
	ret->major = major(stat_.st_rdev);
	ret->minor = minor(stat_.st_rdev);
	return 0;
}
