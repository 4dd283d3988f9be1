/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"

enum {
	STATX_DIOALIGN_MASK = 0x2000,
	PROBE_START_BYTES = 512,
	PROBE_END_BYTES = 65536,
};

/* The head of the kernel's struct statx, long enough for the two fields wanted. */
struct statx_words {
	uint32_t stx_mask;
	uint8_t between[148];
	uint32_t stx_dio_mem_align;
	uint32_t stx_dio_offset_align;
	uint8_t rest[96];
};

_Static_assert(sizeof(struct statx_words) == 256, "struct statx is 256 bytes");

static int ask_statx(int fd, struct ls_direct_alignment *ret)
{
	struct statx_words words = { 0 };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN_MASK, &words))
		return -errno;
	if (!(words.stx_mask & STATX_DIOALIGN_MASK) || !words.stx_dio_offset_align)
		return -ENOTSUP;
	ret->memory_bytes = words.stx_dio_mem_align;
	ret->offset_bytes = words.stx_dio_offset_align;
	return 0;
}

int ls_file_direct_alignment(int fd, struct ls_direct_alignment *ret)
{
	LS_FREE void *memory = NULL;
	int err = -EINVAL;

	if (!ask_statx(fd, ret))
		return 0;
	if (posix_memalign(&memory, PROBE_END_BYTES, PROBE_END_BYTES))
		return -ENOMEM;
	for (uint32_t bytes = PROBE_START_BYTES; bytes <= PROBE_END_BYTES; bytes *= 2) {
		if (pread(fd, memory, bytes, 0) >= 0) {
			ret->memory_bytes = ret->offset_bytes = bytes;
			return 0;
		}
		err = -errno;
	}
	return err;
}
