/* SPDX-License-Identifier: Apache-2.0 */
#include "system/gate.h"

int ls_gate_init(struct ls_gate *gate)
{
	int err = pthread_mutex_init(&gate->mutex, NULL);

	if (err)
		return -err;
	gate->arrived = 0;
	gate->is_open = 0;
	err = pthread_cond_init(&gate->moved, NULL);
	if (err)
		pthread_mutex_destroy(&gate->mutex);
	return -err;
}

void ls_gate_deinit(struct ls_gate *gate)
{
	pthread_cond_destroy(&gate->moved);
	pthread_mutex_destroy(&gate->mutex);
}

void ls_gate_pass(struct ls_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->arrived++;
	pthread_cond_broadcast(&gate->moved);
	while (!gate->is_open)
		pthread_cond_wait(&gate->moved, &gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
}

void ls_gate_await(struct ls_gate *gate, uint32_t count)
{
	pthread_mutex_lock(&gate->mutex);
	while (gate->arrived < count)
		pthread_cond_wait(&gate->moved, &gate->mutex);
	pthread_mutex_unlock(&gate->mutex);
}

void ls_gate_open(struct ls_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->is_open = 1;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->mutex);
}
