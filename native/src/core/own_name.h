/* SPDX-License-Identifier: Apache-2.0 */
/* What Loadstone made is known by its name; the core changes nothing else. */
#ifndef LS_OWN_NAME_H
#define LS_OWN_NAME_H

#include <errno.h>
#include <string.h>

#define LS_OWN_PREFIX "loadstone-"

/* 0 for a name that begins with LS_OWN_PREFIX, else -EPERM. */
static inline int ls_own_prefix_check(const char *name)
{
	return strncmp(name, LS_OWN_PREFIX, strlen(LS_OWN_PREFIX)) ? -EPERM : 0;
}

/* 0 for an absolute path whose last part begins with LS_OWN_PREFIX, else -EPERM. */
static inline int ls_own_name_check(const char *path)
{
	const char *slash = strrchr(path, '/');

	return *path == '/' ? ls_own_prefix_check(slash + 1) : -EPERM;
}

#endif
