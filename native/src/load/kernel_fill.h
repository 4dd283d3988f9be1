/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ABI of /dev/loadstone_fill (native/kernel/loadstone_fill.h), which fills dma-bufs from
 * files; declared in the core's own words, as those of dmabuf.h. A test compares the two.
 */
#ifndef LS_KERNEL_FILL_H
#define LS_KERNEL_FILL_H

#include <stdint.h>
#include <sys/ioctl.h>

#define LS_KERNEL_FILL_DEVICE "/dev/loadstone_fill"

enum ls_kernel_fill_mode {
	LS_KERNEL_FILL_SERIAL,
	LS_KERNEL_FILL_OVERLAPPED,
	LS_KERNEL_FILL_ASYNC,
};

enum ls_kernel_fill_flags { LS_KERNEL_FILL_PINNABLE = 1 };

struct ls_kernel_fill {
	uint64_t size;
	uint64_t offset;
	uint64_t length;
	uint64_t block;
	uint64_t batch;
	uint32_t depth;
	uint32_t mode;
	uint32_t flags;
	int32_t file_fd;
	int32_t fd;
	uint32_t queued;
	uint32_t chunks[3];
	uint32_t short_reads;
	uint64_t allocate_ns;
	uint64_t allocated_at;
	uint64_t first_sent_at;
	uint64_t first_read_at;
	uint64_t last_read_at;
	uint64_t wait_ns;
	uint64_t export_ns;
	uint64_t total_ns;
};

#define LS_KERNEL_FILL _IOWR('L', 0x40, struct ls_kernel_fill)

#endif
