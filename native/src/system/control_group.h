/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups, of both versions: source cgroups(7). */
#ifndef LS_CONTROL_GROUP_H
#define LS_CONTROL_GROUP_H

/*
 * Moves this process, with all its threads, into the group of a directory: what it allocates
 * from now on is charged there.
 */
int ls_control_group_enter(const char *directory);

/* 0 where a path lies in a file system of control groups, -EPERM where not. */
int ls_control_group_check(const char *path);

#endif
