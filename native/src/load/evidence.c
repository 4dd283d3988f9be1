/* SPDX-License-Identifier: Apache-2.0 */
/* What a load takes of memory: its destination's huge pages, and what it needs beyond it. */
#include "core/arithmetic.h"
#include "load/load.h"

static int is_source(const void *context, uint64_t from, uint64_t to)
{
	const struct ls_load *load = context;
	uint64_t start = (uintptr_t)load->source;

	return load->source && start < to && from < start + load->layout.file_bytes;
}

static void report_beyond(struct ls_load *load, const char *name, int64_t bytes,
			  int64_t before_bytes, const struct ls_smaps *destination)
{
	int64_t beyond = bytes - before_bytes - (int64_t)destination->resident_bytes;

	if (bytes >= 0 && before_bytes >= 0 && !destination->error)
		ls_value_add(load->result, name, beyond > 0 ? beyond : 0);
}

void ls_load_report_memory(struct ls_load *load, const struct ls_resident *resident)
{
	struct ls_smaps destination;
	int64_t huge = -1;

	if (load->destination.kind == LS_DESTINATION_MAPPING)
		ls_smaps_sum(is_source, load, &destination);
	else
		ls_destination_smaps(&load->destination, &destination);
	report_beyond(load, "resident_memory_bytes", resident->after_bytes, resident->before_bytes,
		      &destination);
	report_beyond(load, "peak_memory_bytes", resident->peak_bytes, resident->before_bytes,
		      &destination);
	if (ls_destination_huge_bytes(&load->destination, &huge))
		huge = -1;
	ls_value_add(load->result, "huge_bytes", huge);
	if (load->destination.shmem_way != LS_SHMEM_NONE)
		ls_value_add(load->result, "huge_by_collapse",
			     ls_destination_collapses(&load->destination));
}
