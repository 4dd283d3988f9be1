/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ABIs of dma-buf, its heaps and udmabuf (linux/dma-buf.h, linux/dma-heap.h,
 * linux/udmabuf.h), declared here because a build machine's headers may be older
 * than the device, and the posted ones are in no header.
 */
#ifndef LS_DMABUF_H
#define LS_DMABUF_H

#include <stdint.h>
#include <sys/ioctl.h>

struct ls_dma_heap_allocation {
	uint64_t len;
	uint32_t fd;
	uint32_t fd_flags;
	uint64_t heap_flags;
};

struct ls_dma_buf_sync {
	uint64_t flags;
};

struct ls_udmabuf_create {
	uint32_t memfd;
	uint32_t flags;
	uint64_t offset;
	uint64_t size;
};

/* Huan Yang, "dma-buf: heaps: support alloc and read file", v1, 2024-07-11. */
struct ls_dma_heap_allocation_file {
	uint32_t fd;
	uint32_t file_fd;
	uint32_t batch;
	uint32_t fd_flags;
	uint64_t heap_flags;
};

/* wangtao, "dmabuf: add DMA_BUF_IOCTL_RW_FILE", v2, 2025-05-16. */
struct ls_dma_buf_rw_file {
	uint32_t flags;
	int32_t fd;
	uint64_t file_offset;
	uint64_t buf_offset;
	uint64_t buf_len;
};

#define LS_DMA_HEAP_IOCTL_ALLOC _IOWR('H', 0x0, struct ls_dma_heap_allocation)
#define LS_DMA_HEAP_IOCTL_ALLOC_AND_READ _IOWR('H', 0x1, struct ls_dma_heap_allocation_file)
#define LS_DMA_BUF_IOCTL_SYNC _IOW('b', 0, struct ls_dma_buf_sync)
#define LS_DMA_BUF_IOCTL_RW_FILE _IOW('b', 4, struct ls_dma_buf_rw_file)
#define LS_UDMABUF_CREATE _IOW('u', 0x42, struct ls_udmabuf_create)

enum ls_dmabuf_flags {
	LS_DMA_BUF_SYNC_READ = 1,
	LS_DMA_BUF_SYNC_WRITE = 2,
	LS_DMA_BUF_SYNC_END = 4,
	LS_UDMABUF_FLAGS_CLOEXEC = 1,
	LS_DMA_HEAP_FLAG_READ_FILE = 1,	/* Huan Yang, v2, 2024-07-30: len is the file's fd */
	LS_DMA_BUF_RW_READ = 1,
};

#define LS_DMA_BUF_RW_DIRECT (UINT32_C(1) << 31)

_Static_assert(LS_DMA_HEAP_IOCTL_ALLOC_AND_READ == 0xC0184801, "posted ABI, v1");
_Static_assert(LS_DMA_BUF_IOCTL_RW_FILE == 0x40206204, "posted ABI, v2");

#endif
