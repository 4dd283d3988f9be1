/* SPDX-License-Identifier: Apache-2.0 */
/* Files of Loadstone's own are known by their name; the core touches no other. */
#ifndef LS_OWN_NAME_H
#define LS_OWN_NAME_H

#include <errno.h>
#include <string.h>

#define LS_OWN_PREFIX "loadstone-"

/* 0 for an absolute path whose last part begins with LS_OWN_PREFIX, else -EPERM. */
static inline int ls_own_name_check(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (*path != '/' || strncmp(slash + 1, LS_OWN_PREFIX, strlen(LS_OWN_PREFIX)))
		return -EPERM;
	return 0;
}

#endif
