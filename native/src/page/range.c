/* SPDX-License-Identifier: Apache-2.0 */
#include "page/range.h"

#include <errno.h>
#include <stdlib.h>

int ls_ranges_add(struct ls_ranges *ranges, const struct ls_range *range)
{
	if (ranges->count == ranges->room) {
		uint64_t room = ranges->room ? 2 * ranges->room : 1024;
		struct ls_range *all = realloc(ranges->all, (size_t)room * sizeof(*all));

		if (!all)
			return -ENOMEM;
		ranges->all = all;
		ranges->room = room;
	}
	ranges->all[ranges->count++] = *range;
	ranges->pages += range->pages;
	return 0;
}

void ls_ranges_deinit(struct ls_ranges *ranges)
{
	free(ranges->all);
}
