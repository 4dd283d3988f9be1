/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines heap-alloc-and-read and heap-alloc-file: posted heap ioctls that
 * allocate a dma-buf and read a whole file into it in one call (Huan Yang, vivo,
 * v1 2024-07-11 and v2 2024-07-30).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "load/dmabuf.h"
#include "load/load.h"
#include "system/clock.h"

enum { BATCH_BYTES = 128 << 20 };

static int alloc_and_read(struct ls_reader *reader, int *ret)
{
	const struct ls_load *load = reader->load;
	struct ls_dma_heap_allocation_file request = {
		.file_fd = (uint32_t)load->file,
		.batch = load->options.overlap ? (uint32_t)load->options.overlap : BATCH_BYTES,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(load->destination.device, LS_DMA_HEAP_IOCTL_ALLOC_AND_READ, &request))
		return ls_reader_fail(reader, -errno, "DMA_HEAP_IOCTL_ALLOC_AND_READ", -1);
	*ret = (int)request.fd;
	return 0;
}

static int alloc_file(struct ls_reader *reader, int *ret)
{
	const struct ls_load *load = reader->load;
	struct ls_dma_heap_allocation request = {
		.len = (uint64_t)load->file,
		.fd_flags = O_RDWR | O_CLOEXEC,
		.heap_flags = LS_DMA_HEAP_FLAG_READ_FILE,
	};

	if (ioctl(load->destination.device, LS_DMA_HEAP_IOCTL_ALLOC, &request))
		return ls_reader_fail(reader, -errno, "DMA_HEAP_IOCTL_ALLOC of a file", -1);
	*ret = (int)request.fd;
	return 0;
}

/* A kernel that takes the flag to mean something else makes a buffer of another size. */
static int adopt(struct ls_reader *reader, int fd)
{
	struct ls_load *load = reader->load;
	struct ls_segment *segment = &load->destination.segments[0];
	off_t bytes = lseek(fd, 0, SEEK_END);

	segment->fd = fd;
	if (bytes < 0 || (uint64_t)bytes < load->layout.file_bytes)
		return ls_reader_fail(reader, -EINVAL, "DMA_HEAP_IOCTL_ALLOC of a file", -1);
	segment->bytes = (uint64_t)bytes;
	return ls_segment_map(&load->destination, 0);
}

static int read_whole(struct ls_reader *reader, int (*make)(struct ls_reader *, int *))
{
	int64_t start_ns = ls_clock_now();
	int fd = -1;
	int err = make(reader, &fd);

	if (err)
		return err;
	ls_reader_record(reader, &start_ns);
	return adopt(reader, fd);
}

static int read_v1(struct ls_reader *reader)
{
	return read_whole(reader, alloc_and_read);
}

static int read_v2(struct ls_reader *reader)
{
	return read_whole(reader, alloc_file);
}

static int check(struct ls_load *load)
{
	return load->destination.kind == LS_DESTINATION_DMA_HEAP ? 0 : -EOPNOTSUPP;
}

const struct ls_engine ls_engine_heap_alloc_and_read = {
	.makes_segment = 1,
	.wants_one_thread = 1,
	.check = check,
	.read = read_v1,
};

const struct ls_engine ls_engine_heap_alloc_file = {
	.makes_segment = 1,
	.wants_one_thread = 1,
	.check = check,
	.read = read_v2,
};
