/* SPDX-License-Identifier: Apache-2.0 */
/* A state that threads wait for: what guards it, and what wakes them when it has changed. */
#ifndef LS_CONDITION_H
#define LS_CONDITION_H

#include <pthread.h>

struct ls_condition {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
};

static inline int ls_condition_init(struct ls_condition *condition)
{
	int err = pthread_mutex_init(&condition->mutex, NULL);

	if (err)
		return -err;
	err = pthread_cond_init(&condition->changed, NULL);
	if (err)
		pthread_mutex_destroy(&condition->mutex);
	return -err;
}

static inline void ls_condition_deinit(struct ls_condition *condition)
{
	pthread_cond_destroy(&condition->changed);
	pthread_mutex_destroy(&condition->mutex);
}

static inline void ls_condition_lock(struct ls_condition *condition)
{
	pthread_mutex_lock(&condition->mutex);
}

static inline void ls_condition_unlock(struct ls_condition *condition)
{
	pthread_mutex_unlock(&condition->mutex);
}

/* Wakes all that wait; called with the lock held, after the state was changed. */
static inline void ls_condition_wake(struct ls_condition *condition)
{
	pthread_cond_broadcast(&condition->changed);
}

/* Called with the lock held; the caller looks at the state again, and waits again. */
static inline void ls_condition_wait(struct ls_condition *condition)
{
	pthread_cond_wait(&condition->changed, &condition->mutex);
}

#endif
