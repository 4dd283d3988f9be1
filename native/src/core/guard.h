/* SPDX-License-Identifier: Apache-2.0 */
/* Scope guards: what is opened in a scope is closed on every way out of it. */
#ifndef LS_GUARD_H
#define LS_GUARD_H

#include <stdlib.h>
#include <unistd.h>

static inline void ls_guard_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ls_guard_free(void *pointer)
{
	free(*(void **)pointer);
}

#define LS_CLOSE __attribute__((cleanup(ls_guard_close)))
#define LS_FREE __attribute__((cleanup(ls_guard_free)))

#endif
