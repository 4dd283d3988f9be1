/* SPDX-License-Identifier: Apache-2.0 */
/* What basic work of kernel and processor is, effect by effect; op_calibrate.c times it. */
#ifndef LS_CALIBRATE_H
#define LS_CALIBRATE_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "loadstone.h"

enum { LS_MIB = 1 << 20 };

struct ls_calibrate_options {
	uint64_t effect;	/* position in ls_effects */
	uint64_t count;		/* units of a batch; 0: what suits the effect */
	uint64_t batches;
	uint64_t size;		/* of one write */
	const char *file;
};

struct ls_calibration {
	struct ls_calibrate_options options;
	struct ls_result *result;
	uint64_t count;
	uint8_t *source;	/* source_bytes, mapped and there */
	uint64_t source_bytes;
	uint8_t *target;	/* target_bytes, mapped; there or not, as the effect wants it */
	uint64_t target_bytes;
	uint64_t huge_bytes;	/* the size of one huge page */
	int file;		/* each is -1 when it isn't open */
	int has_made_file;
	int there[2];		/* pipes to the partner and back */
	int back[2];
	pthread_t partner;
	int has_partner;
	cpu_set_t allowed;	/* before the thread was pinned */
	int is_pinned;
};

/*
 * unit_bytes is 0 where a unit is an event, else a MiB. prepare is called once,
 * renew before each batch and check after it, all untimed; work is one batch.
 * All but work may be NULL. What is open or mapped is released by whoever
 * prepared the calibration.
 */
struct ls_effect {
	uint64_t unit_bytes;
	uint64_t count;
	int (*prepare)(struct ls_calibration *calibration);
	int (*renew)(struct ls_calibration *calibration);
	int (*work)(struct ls_calibration *calibration);
	int (*check)(struct ls_calibration *calibration);
};

/* effects.c: all of them, by number, and their names in the same order, which ends with NULL. */
extern const struct ls_effect *const ls_effects[];
extern const char *const ls_effect_names[];

/* calibration.c */

int ls_calibration_fail(struct ls_calibration *calibration, int code, const char *step);

/* Maps memory that is not there yet; the kernel chooses its pages. */
int ls_calibration_map_fresh(struct ls_calibration *calibration, uint64_t bytes, uint8_t **ret);

/* Advises against huge pages; a kernel without them refuses the advice, and needs none. */
void ls_calibration_refuse_huge_pages(uint8_t *memory, uint64_t bytes);

/* Maps memory of small pages and fills it, so that it is there. */
int ls_calibration_map(struct ls_calibration *calibration, uint64_t bytes, uint8_t **ret);
void ls_calibration_unmap(uint8_t **memory, uint64_t bytes);

/* kernel.c */

/* Ends the partner thread and restores the CPU affinity of the calling one. */
void ls_calibration_end_partner(struct ls_calibration *calibration);

#endif
