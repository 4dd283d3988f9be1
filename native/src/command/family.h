/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that came of one and were left to this process, which is their subreaper. */
#ifndef LS_FAMILY_H
#define LS_FAMILY_H

#include <stdint.h>

/*
 * Kills and reaps every child of this process, and what is left to it by each that ends, until it
 * has none: so none can get away by a session or a fork of its own. *ret: how many were killed.
 * -ETIMEDOUT where one still is after limit_ns: it waits in the kernel, or may not be killed.
 */
int ls_family_end(int64_t limit_ns, int64_t *ret);

#endif
