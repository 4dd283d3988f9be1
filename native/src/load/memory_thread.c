/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that works on memory while the readers read: it allocates, or it exports. */
#include "load/load.h"

int ls_load_start_memory_thread(struct ls_load *load, void *(*run)(void *), const char *step)
{
	int err = pthread_create(&load->memory_thread, NULL, run, load);

	if (err)
		return ls_result_fail(load->result, -err, step, "memory", -1);
	load->has_memory_thread = 1;
	return 0;
}

void ls_load_join_memory_thread(struct ls_load *load)
{
	if (load->has_memory_thread)
		pthread_join(load->memory_thread, NULL);
	load->has_memory_thread = 0;
}
