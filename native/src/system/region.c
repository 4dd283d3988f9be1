/* SPDX-License-Identifier: Apache-2.0 */
#include "system/region.h"

#include <link.h>
#include <unistd.h>

#include "system/text.h"
#include "system/usage.h"

/*
 * Reads a byte of each page of an object's segments that come from its file;
 * AddressSanitizer has red zones between the variables there.
 */
__attribute__((no_sanitize("address")))
static int touch_object(struct dl_phdr_info *info, size_t size, void *page_bytes)
{
	const uintptr_t page = *(const uintptr_t *)page_bytes;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const uintptr_t start = info->dlpi_addr + segment->p_vaddr;
		const uintptr_t end = start + segment->p_filesz;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_R))
			continue;
		for (uintptr_t at = start & ~(page - 1); at < end; at += page)
			(void)*(const volatile char *)(at < start ? start : at);
	}
	return 0;
}

void ls_region_enter(struct ls_region *region, const struct ls_job *job,
		     struct ls_result *result)
{
	uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);

	region->job = job;
	region->result = result;
	dl_iterate_phdr(touch_object, &page_bytes);
	ls_samples_read(job, result->before);
	ls_resident_enter(&region->resident);
	ls_usage_read(&region->before);
}

void ls_region_leave(struct ls_region *region, int64_t start_ns)
{
	ls_usage_read(&region->after);
	ls_resident_leave(&region->resident);
	ls_samples_read(region->job, region->result->after);
	ls_value_add(region->result, ls_value_start_ns, start_ns);
}

void ls_region_report(const struct ls_region *region)
{
	ls_usage_add(region->result, &region->before, &region->after);
}
