/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loop devices by ioctl, for systems without losetup. Only over files whose name begins
 * with LS_OWN_PREFIX; any other is -EPERM.
 * Source: include/uapi/linux/loop.h, loop(4).
 */
#ifndef LS_LOOP_H
#define LS_LOOP_H

#include <stdint.h>

enum { LS_LOOP_PATH_BYTES = 64 };

struct ls_loop_device {
	char path[LS_LOOP_PATH_BYTES];
	uint32_t minor;
	int is_direct;			/* bypasses the page cache of its file */
};

/* What failed last: the step, and on what. */
struct ls_loop_failure {
	const char *step;
	const char *path;
	char node[LS_LOOP_PATH_BYTES];
};

/*
 * Makes a block device of a regular file. wants_direct: with O_DIRECT to the file, where
 * its file system can. On error nothing is left.
 */
int ls_loop_attach(const char *image, int wants_direct, struct ls_loop_device *ret,
		   struct ls_loop_failure *failure);

/*
 * Frees every device over a file, which may be gone; -EBUSY where one stays in use for
 * some seconds. 0 where there is none.
 */
int ls_loop_detach(const char *image, struct ls_loop_failure *failure);

#endif
