/* SPDX-License-Identifier: Apache-2.0 */
#include "load/watermark.h"

#include <errno.h>

int ls_watermark_init(struct ls_watermark *watermark)
{
	watermark->ready_bytes = 0;
	watermark->is_stopped = 0;
	return ls_condition_init(&watermark->condition);
}

void ls_watermark_deinit(struct ls_watermark *watermark)
{
	ls_condition_deinit(&watermark->condition);
}

void ls_watermark_advance(struct ls_watermark *watermark, uint64_t ready_bytes)
{
	ls_condition_lock(&watermark->condition);
	__atomic_store_n(&watermark->ready_bytes, ready_bytes, __ATOMIC_RELEASE);
	ls_condition_wake(&watermark->condition);
	ls_condition_unlock(&watermark->condition);
}

void ls_watermark_stop(struct ls_watermark *watermark)
{
	ls_condition_lock(&watermark->condition);
	__atomic_store_n(&watermark->is_stopped, 1, __ATOMIC_RELEASE);
	ls_condition_wake(&watermark->condition);
	ls_condition_unlock(&watermark->condition);
}

int ls_watermark_is_stopped(const struct ls_watermark *watermark)
{
	return __atomic_load_n(&watermark->is_stopped, __ATOMIC_ACQUIRE);
}

int ls_watermark_reached(const struct ls_watermark *watermark, uint64_t bytes)
{
	return __atomic_load_n(&watermark->ready_bytes, __ATOMIC_ACQUIRE) >= bytes;
}

int ls_watermark_wait(struct ls_watermark *watermark, uint64_t bytes)
{
	int is_stopped;

	ls_condition_lock(&watermark->condition);
	while (watermark->ready_bytes < bytes && !watermark->is_stopped)
		ls_condition_wait(&watermark->condition);
	is_stopped = watermark->is_stopped;
	ls_condition_unlock(&watermark->condition);
	return is_stopped ? -ECANCELED : 0;
}
