/* SPDX-License-Identifier: Apache-2.0 */
/* What dm-verity tells of its devices. */
#ifndef LS_VERITY_H
#define LS_VERITY_H

#include <stdint.h>

#include "block/dm.h"

/* Blocks that a verity device has corrected so far; -1 where the kernel does not count (6.1). */
int ls_verity_corrected(struct ls_dm *dm, const char *name, int64_t *ret);

#endif
