/* SPDX-License-Identifier: Apache-2.0 */
#include "system/huge_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Closes a file that was read to where it was of use, or to its end. */
static int close_read(FILE *file, int is_found)
{
	int err = !is_found && ferror(file) ? -errno : 0;

	fclose(file);
	return err;
}

int ls_hugetlb_bytes(uint64_t *ret)
{
	FILE *meminfo = fopen("/proc/meminfo", "re");
	uint64_t huge_kib = 0;
	char line[128];

	if (!meminfo)
		return -errno;
	while (fgets(line, sizeof(line), meminfo))
		if (sscanf(line, "Hugepagesize: %" SCNu64 " kB", &huge_kib) == 1)
			break;
	*ret = huge_kib * 1024;
	return close_read(meminfo, huge_kib != 0);
}

/* A kernel without hugetlbfs still may have THP, whose size is the PMD's. */
int ls_thp_bytes(uint64_t *ret)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");

	*ret = 0;
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	return close_read(file, fscanf(file, "%" SCNu64, ret) == 1);
}
