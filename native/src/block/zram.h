/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zram devices of our own. They have numbers and no names, so one is known by its size: chosen
 * before it is made such that no other has it, and called its token here. A device of another
 * size is somebody else's, and -EPERM; one of size 0 is taken for ours that nobody finished.
 * Source: Documentation/admin-guide/blockdev/zram.rst, drivers/block/zram/zram_drv.c.
 */
#ifndef LS_ZRAM_H
#define LS_ZRAM_H

#include <stdint.h>

enum {
	LS_ZRAM_PATH_BYTES = 64,
	LS_ZRAM_NUMBER_MAX = 1 << 20,
};

struct ls_zram_request {
	uint32_t number;		/* the one that the kernel will give */
	uint64_t token;			/* bytes, in whole pages */
	const char *algorithm;		/* "": the device's own */
	uint64_t level;			/* 0: the algorithm's own */
};

/* What failed last: the step, and on what. */
struct ls_zram_failure {
	const char *step;
	char path[LS_ZRAM_PATH_BYTES];
};

/* Whether devices can be made, and the number of the next; none is made. */
int ls_zram_inspect(uint32_t *ret, struct ls_zram_failure *failure);

/*
 * Makes a device; path has LS_ZRAM_PATH_BYTES. -EAGAIN where the kernel gave another number, as
 * somebody was faster, or where somebody removed it at once. On error nothing is left.
 */
int ls_zram_make(const struct ls_zram_request *request, char *path,
		 struct ls_zram_failure *failure);

/*
 * The node of a device of ours that was finished; path has LS_ZRAM_PATH_BYTES. -ENODEV where
 * there is none of that number.
 */
int ls_zram_find(uint32_t number, uint64_t token, char *path, struct ls_zram_failure *failure);

/*
 * Removes a device of ours, with all that is on it, which may be swap; 0 where there is none of
 * that number, -EBUSY where it stays open for some seconds.
 */
int ls_zram_remove(uint32_t number, uint64_t token, struct ls_zram_failure *failure);

#endif
