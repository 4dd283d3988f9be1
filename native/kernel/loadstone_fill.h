/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* What user space says to /dev/loadstone_fill. */
#ifndef LOADSTONE_FILL_H
#define LOADSTONE_FILL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* How allocating and reading follow each other. */
enum loadstone_fill_mode {
	LOADSTONE_FILL_SERIAL,		/* all is allocated, then all is read */
	LOADSTONE_FILL_OVERLAPPED,	/* a worker reads while the caller allocates */
	LOADSTONE_FILL_ASYNC,		/* the caller sends requests in between, and goes on */
};

/*
 * The mapping of the dma-buf consists of pages that can be pinned, so that user space can read
 * into it with O_DIRECT. Without it get_user_pages() refuses the mapping, as a heap's.
 */
#define LOADSTONE_FILL_PINNABLE (1u << 0)

/*
 * Makes a dma-buf and reads length bytes of a file into its beginning; the rest of it is zero.
 * They are read directly if the file was opened with O_DIRECT, else through the page cache.
 * With a length of 0 memory is allocated only.
 *
 * A direct read has to end on a boundary that suits the file's device, also at the end of the
 * file. Therefore the last request is as long as the others, as far as the buffer goes; what it
 * finds behind length is cleared again.
 *
 * Fields may be added at the end. A shorter struct is completed with zeros, and of a longer one
 * what is unknown must be zero (E2BIG).
 */
struct loadstone_fill {
	__aligned_u64 size;		/* of the dma-buf, a multiple of the page size */
	__aligned_u64 offset;		/* in the file */
	__aligned_u64 length;
	__aligned_u64 block;		/* bytes of one request to the file system */
	__aligned_u64 batch;		/* bytes that are allocated before requests are sent */
	__u32 depth;			/* requests in flight */
	__u32 mode;			/* enum loadstone_fill_mode */
	__u32 flags;
	__s32 file_fd;			/* -1 where length is 0 */

	/* Out. Times are in ns, and those that end in _at are since the request began. */
	__s32 fd;			/* the dma-buf, close-on-exec */
	__u32 queued;			/* requests that were completed asynchronously */
	__u32 chunks[3];		/* of order 8, 4 and 0 */
	__u32 short_reads;		/* requests whose rest was sent again */
	__aligned_u64 allocate_ns;	/* in the page allocator */
	__aligned_u64 allocated_at;	/* the last page was there */
	__aligned_u64 first_sent_at;	/* first request */
	__aligned_u64 first_read_at;	/* first request that ended had */
	__aligned_u64 last_read_at;	/* last one that ended had */
	__aligned_u64 wait_ns;		/* all was allocated, and reading went on */
	__aligned_u64 export_ns;	/* making the dma-buf and its descriptor */
	__aligned_u64 total_ns;
};

#define LOADSTONE_FILL _IOWR('L', 0x40, struct loadstone_fill)

#endif
