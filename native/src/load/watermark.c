/* SPDX-License-Identifier: Apache-2.0 */
#include "load/watermark.h"

#include <errno.h>

int ls_watermark_init(struct ls_watermark *watermark)
{
	int err = pthread_mutex_init(&watermark->mutex, NULL);

	if (err)
		return -err;
	watermark->ready_bytes = 0;
	watermark->is_stopped = 0;
	err = pthread_cond_init(&watermark->changed, NULL);
	if (err)
		pthread_mutex_destroy(&watermark->mutex);
	return -err;
}

void ls_watermark_deinit(struct ls_watermark *watermark)
{
	pthread_cond_destroy(&watermark->changed);
	pthread_mutex_destroy(&watermark->mutex);
}

void ls_watermark_advance(struct ls_watermark *watermark, uint64_t ready_bytes)
{
	pthread_mutex_lock(&watermark->mutex);
	__atomic_store_n(&watermark->ready_bytes, ready_bytes, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&watermark->changed);
	pthread_mutex_unlock(&watermark->mutex);
}

void ls_watermark_stop(struct ls_watermark *watermark)
{
	pthread_mutex_lock(&watermark->mutex);
	__atomic_store_n(&watermark->is_stopped, 1, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&watermark->changed);
	pthread_mutex_unlock(&watermark->mutex);
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

	pthread_mutex_lock(&watermark->mutex);
	while (watermark->ready_bytes < bytes && !watermark->is_stopped)
		pthread_cond_wait(&watermark->changed, &watermark->mutex);
	is_stopped = watermark->is_stopped;
	pthread_mutex_unlock(&watermark->mutex);
	return is_stopped ? -ECANCELED : 0;
}
