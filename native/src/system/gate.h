/* SPDX-License-Identifier: Apache-2.0 */
/* Where threads that have done their part wait until all may go on. */
#ifndef LS_GATE_H
#define LS_GATE_H

#include <pthread.h>
#include <stdint.h>

struct ls_gate {
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	uint32_t arrived;
	int is_open;
};

int ls_gate_init(struct ls_gate *gate);
void ls_gate_deinit(struct ls_gate *gate);

/* Arrives, and waits for ls_gate_open. */
void ls_gate_pass(struct ls_gate *gate);

/* Waits until count threads have arrived; what they wrote before is seen then. */
void ls_gate_await(struct ls_gate *gate, uint32_t count);

void ls_gate_open(struct ls_gate *gate);

#endif
