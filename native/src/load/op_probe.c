/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation probe: tries what a load may need, each on a page or two, and records 0 or -errno
 * for each under its name. file is the model file, read only; heap a dma-buf heap's name. What
 * needs one that isn't given is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "core/size.h"
#include "load/destination.h"
#include "load/dmabuf.h"
#include "load/kernel_fill.h"
#include "system/cache.h"
#include "system/file.h"

struct options {
	const char *file;
	const char *heap;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, ""),
	LS_TEXT_OPTION("heap", struct options, heap, ""),
	LS_OPTIONS_END,
};

static int try_ring(unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	struct io_uring ring;
	int err = io_uring_queue_init_params(2, &ring, &params);

	if (!err)
		io_uring_queue_exit(&ring);
	return err;
}

/* Makes one granule of a destination, writes to it and calls try on it if there is one. */
static int with_destination(enum ls_destination_kind kind, const char *heap,
			    int (*try)(struct ls_destination *, const char *), const char *file)
{
	struct ls_result *scratch = calloc(1, sizeof(*scratch));
	struct ls_destination destination;
	int err;

	if (!scratch)
		return -ENOMEM;
	ls_destination_init(&destination, kind, heap, scratch);
	err = ls_destination_reserve(&destination, 1);
	if (!err)
		err = ls_destination_open(&destination);
	if (!err)
		err = ls_segment_create(&destination, 0, destination.granule_bytes);
	if (!err)
		err = ls_segment_map(&destination, 0);
	if (!err)
		err = ls_segment_populate(&destination, 0, 0, destination.granule_bytes);
	if (!err)
		err = ls_segment_export(&destination, 0);
	if (!err && try)
		err = try(&destination, file);
	ls_destination_deinit(&destination);
	free(scratch);
	return err;
}

static int read_direct(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int fd = open(file, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0 ||
	    pread(fd, destination->segments[0].addr, ls_size(destination->page_bytes), 0) < 0)
		return -errno;
	return 0;
}

static int copy_range(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);
	off_t from = 0, to = 0;

	if (fd < 0 || copy_file_range(fd, &from, destination->segments[0].fd, &to,
				      ls_size(destination->page_bytes), 0) < 0)
		return -errno;
	return 0;
}

static int send_file(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || sendfile(destination->segments[0].fd, fd, NULL,
			       ls_size(destination->page_bytes)) < 0)
		return -errno;
	return 0;
}

/* The posted ioctls are tried on a page of memory, not on the user's file. */
static int scratch_file(void)
{
	int fd = memfd_create("loadstone-probe", MFD_CLOEXEC);

	if (fd >= 0 && !ftruncate(fd, sysconf(_SC_PAGESIZE)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -errno;
}

static int alloc_and_read(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int scratch = scratch_file();
	struct ls_dma_heap_allocation_file request = {
		.file_fd = (uint32_t)scratch,
		.batch = 1u << 20,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	(void)file;
	if (scratch < 0)
		return scratch;
	if (ioctl(destination->device, LS_DMA_HEAP_IOCTL_ALLOC_AND_READ, &request))
		return -errno;
	close((int)request.fd);
	return 0;
}

static int alloc_file(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int scratch = scratch_file();
	struct ls_dma_heap_allocation request = {
		.len = (uint64_t)scratch,
		.fd_flags = O_RDWR | O_CLOEXEC,
		.heap_flags = LS_DMA_HEAP_FLAG_READ_FILE,
	};

	(void)file;
	if (scratch < 0)
		return scratch;
	if (ioctl(destination->device, LS_DMA_HEAP_IOCTL_ALLOC, &request))
		return -errno;
	close((int)request.fd);
	return 0;
}

/* The page of memory is read into a dma-buf: all that the module does. */
static int kernel_fill(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int scratch = scratch_file();
	struct ls_kernel_fill request = {
		.size = destination->page_bytes,
		.length = destination->page_bytes,
		.block = destination->page_bytes,
		.batch = destination->page_bytes,
		.depth = 1,
		.mode = LS_KERNEL_FILL_OVERLAPPED,
		.file_fd = scratch,
	};

	(void)file;
	if (scratch < 0)
		return scratch;
	if (ioctl(destination->device, LS_KERNEL_FILL, &request))
		return -errno;
	close(request.fd);
	return 0;
}

static int rw_file(struct ls_destination *destination, const char *file)
{
	LS_CLOSE int scratch = scratch_file();
	struct ls_dma_buf_rw_file request = {
		.flags = LS_DMA_BUF_RW_READ,
		.fd = scratch,
		.buf_len = ls_size(destination->page_bytes),
	};

	(void)file;
	if (scratch < 0)
		return scratch;
	if (ioctl(destination->segments[0].fd, LS_DMA_BUF_IOCTL_RW_FILE, &request))
		return -errno;
	return 0;
}

static void probe_memory(struct ls_result *ret)
{
	ls_value_add(ret, "uring", try_ring(0));
	ls_value_add(ret, "uring-sqpoll", try_ring(IORING_SETUP_SQPOLL));
	ls_value_add(ret, "anon", with_destination(LS_DESTINATION_ANON, "", NULL, ""));
	ls_value_add(ret, "thp", with_destination(LS_DESTINATION_THP, "", NULL, ""));
	ls_value_add(ret, "hugetlb", with_destination(LS_DESTINATION_HUGETLB, "", NULL, ""));
	ls_value_add(ret, "memfd", with_destination(LS_DESTINATION_MEMFD, "", NULL, ""));
	ls_value_add(ret, "memfd-thp", with_destination(LS_DESTINATION_MEMFD_THP, "", NULL, ""));
	ls_value_add(ret, "memfd-hugetlb",
		     with_destination(LS_DESTINATION_MEMFD_HUGETLB, "", NULL, ""));
	ls_value_add(ret, "udmabuf", with_destination(LS_DESTINATION_UDMABUF, "", NULL, ""));
	ls_value_add(ret, "udmabuf-thp",
		     with_destination(LS_DESTINATION_UDMABUF_THP, "", NULL, ""));
	ls_value_add(ret, "udmabuf-hugetlb",
		     with_destination(LS_DESTINATION_UDMABUF_HUGETLB, "", NULL, ""));
	ls_value_add(ret, "dma-buf", with_destination(LS_DESTINATION_DMA_BUF, "", NULL, ""));
	ls_value_add(ret, "kernel-fill",
		     with_destination(LS_DESTINATION_DMA_BUF, "", kernel_fill, ""));
	ls_value_add(ret, "drop_caches",
		     access("/proc/sys/vm/drop_caches", W_OK) ? -errno : 0);
}

static void probe_heap(const char *heap, const char *file, struct ls_result *ret)
{
	const enum ls_destination_kind kind = LS_DESTINATION_DMA_HEAP;

	ls_value_add(ret, "dma-heap", with_destination(kind, heap, NULL, ""));
	ls_value_add(ret, "heap-alloc-and-read", with_destination(kind, heap, alloc_and_read, ""));
	ls_value_add(ret, "heap-alloc-file", with_destination(kind, heap, alloc_file, ""));
	ls_value_add(ret, "dmabuf-rw-file", with_destination(kind, heap, rw_file, ""));
	if (!*file)
		return;
	ls_value_add(ret, "heap-direct-read", with_destination(kind, heap, read_direct, file));
	ls_value_add(ret, "heap-copy-range", with_destination(kind, heap, copy_range, file));
}

static int try_direct(const char *path, uint32_t *align_bytes)
{
	LS_CLOSE int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	return fd < 0 ? -errno : ls_file_direct_alignment(fd, align_bytes);
}

static int try_dontcache(int fd)
{
	uint8_t byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };

	return preadv2(fd, &part, 1, 0, LS_RWF_DONTCACHE) < 0 ? -errno : 0;
}

static void probe_file(const char *path, struct ls_result *ret)
{
	LS_CLOSE int fd = -1;
	uint32_t align_bytes = 0;
	int64_t resident = 0;
	struct stat stat;
	int err = ls_file_stat(path, &stat);

	if (!err)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (err || fd < 0) {
		ls_value_add(ret, "open", err ? err : -errno);
		return;
	}
	err = try_direct(path, &align_bytes);
	ls_value_add(ret, "direct", err);
	ls_value_add(ret, "direct_align_bytes", err ? 0 : align_bytes);
	ls_value_add(ret, "page-cache", ls_cache_resident(fd, (uint64_t)stat.st_size, &resident));
	ls_value_add(ret, "cached_bytes", resident);
	/* From here on the file is read. */
	ls_value_add(ret, "dontcache", try_dontcache(fd));
	ls_value_add(ret, "copy-range",
		     with_destination(LS_DESTINATION_MEMFD, "", copy_range, path));
	ls_value_add(ret, "sendfile", with_destination(LS_DESTINATION_MEMFD, "", send_file, path));
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	probe_memory(ret);
	if (*options.file)
		probe_file(options.file, ret);
	if (*options.heap)
		probe_heap(options.heap, options.file, ret);
	return 0;
}

const struct ls_operation ls_probe_operation = { "probe", specs, run };
