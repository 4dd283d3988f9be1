/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "load/load.h"

int ls_frontier_init(struct ls_frontier *frontier)
{
	int err = pthread_mutex_init(&frontier->mutex, NULL);

	if (err)
		return -err;
	frontier->ready_bytes = 0;
	frontier->is_stopped = 0;
	err = pthread_cond_init(&frontier->moved, NULL);
	if (err)
		pthread_mutex_destroy(&frontier->mutex);
	return -err;
}

void ls_frontier_deinit(struct ls_frontier *frontier)
{
	pthread_cond_destroy(&frontier->moved);
	pthread_mutex_destroy(&frontier->mutex);
}

void ls_frontier_advance(struct ls_frontier *frontier, uint64_t ready_bytes)
{
	pthread_mutex_lock(&frontier->mutex);
	__atomic_store_n(&frontier->ready_bytes, ready_bytes, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&frontier->moved);
	pthread_mutex_unlock(&frontier->mutex);
}

void ls_frontier_stop(struct ls_frontier *frontier)
{
	pthread_mutex_lock(&frontier->mutex);
	__atomic_store_n(&frontier->is_stopped, 1, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&frontier->moved);
	pthread_mutex_unlock(&frontier->mutex);
}

int ls_frontier_is_stopped(const struct ls_frontier *frontier)
{
	return __atomic_load_n(&frontier->is_stopped, __ATOMIC_ACQUIRE);
}

int ls_frontier_reached(const struct ls_frontier *frontier, uint64_t bytes)
{
	return __atomic_load_n(&frontier->ready_bytes, __ATOMIC_ACQUIRE) >= bytes;
}

int ls_frontier_wait(struct ls_frontier *frontier, uint64_t bytes)
{
	int is_stopped;

	pthread_mutex_lock(&frontier->mutex);
	while (frontier->ready_bytes < bytes && !frontier->is_stopped)
		pthread_cond_wait(&frontier->moved, &frontier->mutex);
	is_stopped = frontier->is_stopped;
	pthread_mutex_unlock(&frontier->mutex);
	return is_stopped ? -ECANCELED : 0;
}
