/* SPDX-License-Identifier: Apache-2.0 */
#include "system/smaps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int read_kib(const char *line, const char *name, uint64_t *kib)
{
	size_t length = strlen(name);

	return !strncmp(line, name, length) && sscanf(line + length, "%" SCNu64, kib) == 1;
}

static int is_huge_line(const char *line, uint64_t *kib)
{
	static const char *const names[] = {
		"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:",
		"Shared_Hugetlb:", "Private_Hugetlb:",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (read_kib(line, names[i], kib))
			return 1;
	return 0;
}

void ls_smaps_sum(int (*is_meant)(const void *context, uint64_t from, uint64_t to),
		  const void *context, struct ls_smaps *ret)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	int is_inside = 0;
	char line[512];

	*ret = (struct ls_smaps){ 0 };
	if (!smaps) {
		ret->error = -errno;
		return;
	}
	while (fgets(line, sizeof(line), smaps)) {
		uint64_t from, to, kib;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
			is_inside = is_meant(context, from, to);
		else if (is_inside && read_kib(line, "Rss:", &kib))
			ret->resident_bytes += kib * 1024;
		else if (is_inside && is_huge_line(line, &kib))
			ret->huge_bytes += kib * 1024;
	}
	if (ferror(smaps))
		ret->error = -errno;
	fclose(smaps);
}
