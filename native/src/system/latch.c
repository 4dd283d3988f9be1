/* SPDX-License-Identifier: Apache-2.0 */
#include "system/latch.h"

int ls_latch_init(struct ls_latch *latch)
{
	latch->arrived = 0;
	latch->is_released = 0;
	return ls_condition_init(&latch->condition);
}

void ls_latch_deinit(struct ls_latch *latch)
{
	ls_condition_deinit(&latch->condition);
}

void ls_latch_arrive_and_wait(struct ls_latch *latch)
{
	ls_condition_lock(&latch->condition);
	latch->arrived++;
	ls_condition_wake(&latch->condition);
	while (!latch->is_released)
		ls_condition_wait(&latch->condition);
	ls_condition_unlock(&latch->condition);
}

void ls_latch_wait_for(struct ls_latch *latch, uint32_t count)
{
	ls_condition_lock(&latch->condition);
	while (latch->arrived < count)
		ls_condition_wait(&latch->condition);
	ls_condition_unlock(&latch->condition);
}

void ls_latch_release(struct ls_latch *latch)
{
	ls_condition_lock(&latch->condition);
	latch->is_released = 1;
	ls_condition_wake(&latch->condition);
	ls_condition_unlock(&latch->condition);
}
