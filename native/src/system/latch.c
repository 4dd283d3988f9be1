/* SPDX-License-Identifier: Apache-2.0 */
#include "system/latch.h"

int ls_latch_init(struct ls_latch *latch)
{
	int err = pthread_mutex_init(&latch->mutex, NULL);

	if (err)
		return -err;
	latch->arrived = 0;
	latch->is_released = 0;
	err = pthread_cond_init(&latch->changed, NULL);
	if (err)
		pthread_mutex_destroy(&latch->mutex);
	return -err;
}

void ls_latch_deinit(struct ls_latch *latch)
{
	pthread_cond_destroy(&latch->changed);
	pthread_mutex_destroy(&latch->mutex);
}

void ls_latch_arrive_and_wait(struct ls_latch *latch)
{
	pthread_mutex_lock(&latch->mutex);
	latch->arrived++;
	pthread_cond_broadcast(&latch->changed);
	while (!latch->is_released)
		pthread_cond_wait(&latch->changed, &latch->mutex);
	pthread_mutex_unlock(&latch->mutex);
}

void ls_latch_wait_for(struct ls_latch *latch, uint32_t count)
{
	pthread_mutex_lock(&latch->mutex);
	while (latch->arrived < count)
		pthread_cond_wait(&latch->changed, &latch->mutex);
	pthread_mutex_unlock(&latch->mutex);
}

void ls_latch_release(struct ls_latch *latch)
{
	pthread_mutex_lock(&latch->mutex);
	latch->is_released = 1;
	pthread_cond_broadcast(&latch->changed);
	pthread_mutex_unlock(&latch->mutex);
}
