/* SPDX-License-Identifier: Apache-2.0 */
/* Swap areas on block devices: source swapon(2), include/linux/swap.h, mkswap(8). */
#ifndef LS_SWAP_H
#define LS_SWAP_H

#include <stdint.h>

enum { LS_SWAP_PRIORITY_MAX = 32767 };

struct ls_swap_failure {
	const char *step;
	const char *path;
};

/*
 * Makes a swap area of a whole block device and has the kernel use it. The device must be in
 * nobody's use: -EBUSY.
 */
int ls_swap_on(const char *device, uint32_t priority, struct ls_swap_failure *failure);

/*
 * Has the kernel use the device no longer; 0 where it does not. What is swapped out comes back
 * to memory: -ENOMEM where less is available, as processes would be killed for it.
 */
int ls_swap_off(const char *device, struct ls_swap_failure *failure);

#endif
