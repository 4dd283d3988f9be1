/* SPDX-License-Identifier: Apache-2.0 */
/* Threads arrive at it and wait there until it is released. */
#ifndef LS_LATCH_H
#define LS_LATCH_H

#include <stdint.h>

#include "system/condition.h"

struct ls_latch {
	struct ls_condition condition;
	uint32_t arrived;
	int is_released;
};

int ls_latch_init(struct ls_latch *latch);
void ls_latch_deinit(struct ls_latch *latch);

/* Arrives, and waits for ls_latch_release. */
void ls_latch_arrive_and_wait(struct ls_latch *latch);

/* Waits until count threads have arrived; what they wrote before is seen then. */
void ls_latch_wait_for(struct ls_latch *latch, uint32_t count);

void ls_latch_release(struct ls_latch *latch);

#endif
