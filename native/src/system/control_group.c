/* SPDX-License-Identifier: Apache-2.0 */
#include "system/control_group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/guard.h"

int ls_control_group_enter(const char *directory)
{
	char path[PATH_MAX];
	LS_CLOSE int fd = -1;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, "0", 1) == 1 ? 0 : -errno;
}

int ls_control_group_check(const char *path)
{
	struct statfs st;

	if (statfs(path, &st))
		return -errno;
	if ((uint32_t)st.f_type == CGROUP_SUPER_MAGIC || (uint32_t)st.f_type == CGROUP2_SUPER_MAGIC)
		return 0;
	return -EPERM;
}
