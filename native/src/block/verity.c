/* SPDX-License-Identifier: Apache-2.0 */
#include "block/verity.h"

#include <stdio.h>

#include "core/guard.h"

int ls_verity_corrected(struct ls_dm *dm, const char *name, int64_t *ret)
{
	LS_FREE char *status = NULL;
	int err = ls_dm_status(dm, name, &status);
	long long count;

	if (err)
		return err;
	*ret = sscanf(status, "verity %*c %lld", &count) == 1 ? count : -1;
	return 0;
}
