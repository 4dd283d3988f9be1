/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages that were reserved, and direct reads into them. */
#include "source.h"

/* Of the default size, as MAP_HUGETLB takes it. */
static size_t huge_bytes(void)
{
	FILE *meminfo = fopen("/proc/meminfo", "re");
	char line[128];
	size_t kib = 0;

	while (meminfo && fgets(line, sizeof(line), meminfo))
		if (sscanf(line, "Hugepagesize: %zu kB", &kib) == 1)
			break;
	if (meminfo)
		fclose(meminfo);
	return kib << 10;
}

int load(const char *path, struct model *model)
{
	const size_t huge = huge_bytes();
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err && !huge)
		err = fail(model, ENOTSUP, "huge page size", "take a kernel with CONFIG_HUGETLBFS");
	if (err)
		return err;
	/* Reserved by mmap, which fails where there are too few: later it would be a SIGBUS. */
	model->remedy = "reserve them, as root: sysctl vm.nr_hugepages=COUNT";
	err = map_memory(model, round_up(source.bytes, huge),
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	if (!err)
		err = read_source(model, &source, model->data, 0, source.bytes);
	model->how = how(&source);
	return err;
}
