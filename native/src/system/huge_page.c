/* SPDX-License-Identifier: Apache-2.0 */
#include "system/huge_page.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t ls_hugetlb_bytes(void)
{
	FILE *meminfo = fopen("/proc/meminfo", "re");
	uint64_t huge_kib = 0;
	char line[128];

	while (meminfo && fgets(line, sizeof(line), meminfo))
		if (sscanf(line, "Hugepagesize: %" SCNu64 " kB", &huge_kib) == 1)
			break;
	if (meminfo)
		fclose(meminfo);
	return huge_kib * 1024;
}

/* A kernel without hugetlbfs still may have THP, whose size is the PMD's. */
uint64_t ls_thp_bytes(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	uint64_t bytes = 0;

	if (file && fscanf(file, "%" SCNu64, &bytes) != 1)
		bytes = 0;
	if (file)
		fclose(file);
	return bytes;
}
