/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that may be given transparent huge pages. */
#ifndef HUGE_H
#define HUGE_H

#include "source.h"

/* Of a transparent huge page; a small one's where the kernel has no others. */
static inline size_t huge_bytes(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	size_t bytes = 0;

	if (file) {
		if (fscanf(file, "%zu", &bytes) != 1)
			bytes = 0;
		fclose(file);
	}
	return bytes ? bytes : (size_t)sysconf(_SC_PAGESIZE);
}

/* The last huge page, too, is whole, and there is room to begin at a multiple of one. */
static inline int map_aligned(struct model *model, size_t bytes, size_t huge)
{
	int err = map_memory(model, round_up(bytes, huge) + huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!err)
		model->data += round_up((uintptr_t)model->map, huge) - (uintptr_t)model->map;
	return err;
}

/* A kernel without answers EINVAL; then all is in small pages, slower and no less right. */
static inline int ask_for_huge(struct model *model, size_t bytes, size_t huge)
{
	if (!madvise(model->data, round_up(bytes, huge), MADV_HUGEPAGE) || errno == EINVAL)
		return 0;
	return fail(model, errno, "MADV_HUGEPAGE", NULL);
}

#endif
