/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes of the destination are ready: readers wait here for the allocator. */
#ifndef LS_WATERMARK_H
#define LS_WATERMARK_H

#include <stdint.h>

#include "system/condition.h"

struct ls_watermark {
	struct ls_condition condition;
	uint64_t ready_bytes;		/* of the file */
	int is_stopped;
};

int ls_watermark_init(struct ls_watermark *watermark);
void ls_watermark_deinit(struct ls_watermark *watermark);
void ls_watermark_advance(struct ls_watermark *watermark, uint64_t ready_bytes);
void ls_watermark_stop(struct ls_watermark *watermark);

/* 1 when a thread has failed: the others take no more work. */
int ls_watermark_is_stopped(const struct ls_watermark *watermark);
int ls_watermark_reached(const struct ls_watermark *watermark, uint64_t bytes);

/* 0, or -ECANCELED when another thread has failed. */
int ls_watermark_wait(struct ls_watermark *watermark, uint64_t bytes);

#endif
