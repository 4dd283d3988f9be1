/* SPDX-License-Identifier: Apache-2.0 */
#include "load/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/record.h"
#include "core/size.h"
#include "load/dmabuf.h"
#include "load/kernel_fill.h"
#include "system/huge_page.h"
#include "system/shmem.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Small enough for a last-level cache, and as many reads in flight as any Case of ours has. */
enum { REUSED_BYTES = 16 << 20 };

const char *const ls_destination_names[] = {
	[LS_DESTINATION_MAPPING] = "mapping",
	[LS_DESTINATION_ANON] = "anon",
	[LS_DESTINATION_THP] = "thp",
	[LS_DESTINATION_HUGETLB] = "hugetlb",
	[LS_DESTINATION_MEMFD] = "memfd",
	[LS_DESTINATION_MEMFD_THP] = "memfd-thp",
	[LS_DESTINATION_MEMFD_HUGETLB] = "memfd-hugetlb",
	[LS_DESTINATION_UDMABUF] = "udmabuf",
	[LS_DESTINATION_UDMABUF_THP] = "udmabuf-thp",
	[LS_DESTINATION_UDMABUF_HUGETLB] = "udmabuf-hugetlb",
	[LS_DESTINATION_DMA_HEAP] = "dma-heap",
	[LS_DESTINATION_DMA_BUF] = "dma-buf",
	[LS_DESTINATION_REUSED] = "reused",
	NULL,
};

static int is_hugetlb(const struct ls_destination *destination)
{
	return destination->kind == LS_DESTINATION_HUGETLB ||
	       destination->kind == LS_DESTINATION_MEMFD_HUGETLB ||
	       destination->kind == LS_DESTINATION_UDMABUF_HUGETLB;
}

static int is_shmem_thp(const struct ls_destination *destination)
{
	return destination->kind == LS_DESTINATION_MEMFD_THP ||
	       destination->kind == LS_DESTINATION_UDMABUF_THP;
}

void ls_destination_init(struct ls_destination *destination, enum ls_destination_kind kind,
			 const char *heap, struct ls_result *result)
{
	memset(destination, 0, sizeof(*destination));
	destination->kind = kind;
	destination->result = result;
	destination->device = -1;
	destination->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	destination->granule_bytes = destination->page_bytes;
	if (kind == LS_DESTINATION_THP || is_shmem_thp(destination))
		destination->huge_error = ls_thp_bytes(&destination->huge_bytes);
	else if (is_hugetlb(destination))
		destination->huge_error = ls_hugetlb_bytes(&destination->huge_bytes);
	if (destination->huge_bytes)
		destination->granule_bytes = destination->huge_bytes;
	if (ls_destination_is_udmabuf(destination))
		snprintf(destination->path, sizeof(destination->path), "/dev/udmabuf");
	else if (kind == LS_DESTINATION_DMA_HEAP)
		snprintf(destination->path, sizeof(destination->path), "/dev/dma_heap/%s", heap);
	else if (kind == LS_DESTINATION_DMA_BUF)
		snprintf(destination->path, sizeof(destination->path), LS_KERNEL_FILL_DEVICE);
	else
		snprintf(destination->path, sizeof(destination->path), "memory");
}

void ls_destination_align(struct ls_destination *destination, uint64_t bytes)
{
	if (destination->granule_bytes < bytes)
		destination->granule_bytes = bytes;
}

static int fail(struct ls_destination *destination, int code, const char *step)
{
	return ls_result_fail(destination->result, code, step, destination->path, -1);
}

/* What shmem_enabled lets is found by a huge page of its own, before the timed region. */
static int find_huge_shmem(struct ls_destination *destination)
{
	int err;

	if (!is_shmem_thp(destination) || destination->huge_error)
		return 0;
	err = ls_shmem_huge_way(destination->huge_bytes, &destination->shmem_way);
	return err ? fail(destination, err, "huge pages of shmem") : 0;
}

int ls_destination_reserve(struct ls_destination *destination, uint32_t segments)
{
	int err = find_huge_shmem(destination);

	if (err)
		return err;
	destination->segments = calloc(segments, sizeof(*destination->segments));
	if (!destination->segments)
		return ls_result_fail(destination->result, -ENOMEM, "reserve segments", "memory", -1);
	destination->segments_count = segments;
	for (uint32_t i = 0; i < segments; i++)
		destination->segments[i].fd = destination->segments[i].dmabuf = -1;
	return 0;
}

static void close_segment(struct ls_segment *segment)
{
	if (segment->map)
		munmap(segment->map, ls_size(segment->map_bytes));
	if (segment->dmabuf >= 0)
		close(segment->dmabuf);
	if (segment->fd >= 0)
		close(segment->fd);
}

void ls_destination_deinit(struct ls_destination *destination)
{
	for (uint32_t i = 0; i < destination->segments_count; i++)
		close_segment(&destination->segments[i]);
	if (destination->device >= 0)
		close(destination->device);
	free(destination->segments);
	destination->segments = NULL;
	destination->segments_count = 0;
	destination->device = -1;
}

int ls_destination_open(struct ls_destination *destination)
{
	int flags = destination->kind == LS_DESTINATION_DMA_HEAP ? O_RDONLY : O_RDWR;

	if (destination->huge_error)
		return fail(destination, destination->huge_error, "huge page size");
	if (!ls_destination_is_dmabuf(destination))
		return 0;
	/* Whoever may ask for memory of a heap may on phones only read its node. */
	destination->device = open(destination->path, flags | O_CLOEXEC);
	return destination->device < 0 ? fail(destination, -errno, "open device") : 0;
}

static int map_segment(struct ls_destination *destination, struct ls_segment *segment,
		       uint64_t bytes, int flags, int fd, const char *step)
{
	void *map = mmap(NULL, ls_size(bytes), PROT_READ | PROT_WRITE, flags, fd, 0);

	if (map == MAP_FAILED)
		return fail(destination, -errno, step);
	segment->map = segment->addr = map;
	segment->map_bytes = bytes;
	return 0;
}

static int create_thp(struct ls_destination *destination, struct ls_segment *segment)
{
	uint64_t huge = destination->huge_bytes;
	int err;

	if (!huge)
		return fail(destination, -ENOTSUP, "huge pages");
	err = map_segment(destination, segment, segment->bytes + huge,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, "mmap");
	if (err)
		return err;
	segment->addr += (huge - (uintptr_t)segment->addr % huge) % huge;
	if (madvise(segment->addr, ls_size(segment->bytes), MADV_HUGEPAGE))
		return fail(destination, -errno, "MADV_HUGEPAGE");
	return 0;
}

static int create_memfd(struct ls_destination *destination, struct ls_segment *segment)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	if (is_hugetlb(destination))
		flags |= MFD_HUGETLB;
	segment->fd = memfd_create("loadstone", flags);
	if (segment->fd < 0)
		return fail(destination, -errno, "memfd_create");
	if (ftruncate(segment->fd, (off_t)segment->bytes))
		return fail(destination, -errno, "ftruncate memfd");
	if (ls_destination_is_udmabuf(destination) &&
	    fcntl(segment->fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return fail(destination, -errno, "F_SEAL_SHRINK");
	return 0;
}

static int create_in_heap(struct ls_destination *destination, struct ls_segment *segment)
{
	struct ls_dma_heap_allocation request = {
		.len = segment->bytes,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(destination->device, LS_DMA_HEAP_IOCTL_ALLOC, &request))
		return fail(destination, -errno, "DMA_HEAP_IOCTL_ALLOC");
	segment->fd = (int)request.fd;
	return 0;
}

/* Memory only; its mapping is one that O_DIRECT can pin. */
static int create_dmabuf(struct ls_destination *destination, struct ls_segment *segment)
{
	struct ls_kernel_fill request = {
		.size = segment->bytes,
		.batch = segment->bytes,
		.flags = LS_KERNEL_FILL_PINNABLE,
		.file_fd = -1,
	};

	if (ioctl(destination->device, LS_KERNEL_FILL, &request))
		return fail(destination, -errno, "LOADSTONE_FILL of memory");
	segment->fd = request.fd;
	return 0;
}

int ls_segment_create(struct ls_destination *destination, uint32_t position, uint64_t bytes)
{
	struct ls_segment *segment = &destination->segments[position];

	if (destination->kind != LS_DESTINATION_REUSED)
		segment->bytes = ls_round_up(bytes, destination->granule_bytes);
	switch (destination->kind) {
	case LS_DESTINATION_MAPPING:
	case LS_DESTINATION_REUSED:	/* is there already */
		return 0;
	case LS_DESTINATION_ANON:
		return map_segment(destination, segment, segment->bytes,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, "mmap");
	case LS_DESTINATION_THP:
		return create_thp(destination, segment);
	case LS_DESTINATION_HUGETLB:
		return map_segment(destination, segment, segment->bytes,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, "mmap hugetlb");
	case LS_DESTINATION_MEMFD:
	case LS_DESTINATION_MEMFD_THP:
	case LS_DESTINATION_MEMFD_HUGETLB:
	case LS_DESTINATION_UDMABUF:
	case LS_DESTINATION_UDMABUF_THP:
	case LS_DESTINATION_UDMABUF_HUGETLB:
		return create_memfd(destination, segment);
	case LS_DESTINATION_DMA_HEAP:
		return create_in_heap(destination, segment);
	case LS_DESTINATION_DMA_BUF:
		return create_dmabuf(destination, segment);
	}
	return fail(destination, -EINVAL, "destination");
}

/* Before Linux 5.14 there is no MADV_POPULATE_WRITE: a write to every page does the same. */
static void touch(uint8_t *addr, uint64_t bytes, uint64_t page_bytes)
{
	for (uint64_t at = 0; at < bytes; at += page_bytes)
		*(volatile uint8_t *)(addr + at) = 0;
}

/* Before the timed region: what is measured then is the device, and no memory. */
int ls_destination_reserve_reused(struct ls_destination *destination, uint64_t most_bytes)
{
	if (destination->kind != LS_DESTINATION_REUSED)
		return 0;
	destination->window_bytes = REUSED_BYTES;
	for (uint32_t i = 0; i < destination->segments_count; i++) {
		struct ls_segment *segment = &destination->segments[i];
		int err;

		segment->bytes = ls_round_up(REUSED_BYTES + most_bytes, destination->granule_bytes);
		err = map_segment(destination, segment, segment->bytes,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, "mmap");
		if (err)
			return err;
		/* Without huge pages it is as good a buffer. */
		(void)madvise(segment->addr, ls_size(segment->bytes), MADV_HUGEPAGE);
		touch(segment->addr, segment->bytes, destination->page_bytes);
	}
	return 0;
}

static int map_shmem_thp(struct ls_destination *destination, struct ls_segment *segment)
{
	struct ls_huge_mapping mapping;
	int err = ls_huge_mapping_init(&mapping, segment->fd, segment->bytes,
				       destination->huge_bytes);

	segment->map = mapping.map;
	segment->map_bytes = mapping.map_bytes;
	segment->addr = mapping.addr;
	return err ? fail(destination, err, "mmap destination") : 0;
}

int ls_segment_map(struct ls_destination *destination, uint32_t position)
{
	struct ls_segment *segment = &destination->segments[position];
	const char *step = is_hugetlb(destination) ? "mmap memfd hugetlb" : "mmap destination";

	if (segment->map || segment->fd < 0)
		return 0;
	if (is_shmem_thp(destination))
		return map_shmem_thp(destination, segment);
	return map_segment(destination, segment, segment->bytes, MAP_SHARED, segment->fd, step);
}

int ls_segment_collapse(struct ls_destination *destination, uint32_t position,
			uint64_t offset, uint64_t bytes)
{
	uint8_t *from = destination->segments[position].addr + offset;
	int err = ls_shmem_collapse(from, ls_round_up(bytes, destination->huge_bytes),
				    destination->huge_bytes);

	return err ? fail(destination, err, "MADV_COLLAPSE") : 0;
}

int ls_segment_populate(struct ls_destination *destination, uint32_t position,
			uint64_t offset, uint64_t bytes)
{
	struct ls_segment *segment = &destination->segments[position];
	uint8_t *from = segment->addr + offset;

	if (ls_destination_starts_as_dmabuf(destination) || destination->window_bytes)
		return 0;
	if (ls_destination_collapses(destination))
		return ls_segment_collapse(destination, position, offset, bytes);
	bytes = ls_round_up(bytes, destination->page_bytes);
	if (!madvise(from, ls_size(bytes), MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return fail(destination, -errno, "MADV_POPULATE_WRITE");
	touch(from, bytes, destination->page_bytes);
	return 0;
}

int ls_segment_export(struct ls_destination *destination, uint32_t position)
{
	struct ls_segment *segment = &destination->segments[position];
	struct ls_udmabuf_create request = {
		.memfd = (uint32_t)segment->fd,
		.flags = LS_UDMABUF_FLAGS_CLOEXEC,
		.size = segment->bytes,
	};

	if (!ls_destination_is_udmabuf(destination))
		return 0;
	segment->dmabuf = ioctl(destination->device, LS_UDMABUF_CREATE, &request);
	return segment->dmabuf < 0 ? fail(destination, -errno, "UDMABUF_CREATE") : 0;
}

int ls_segment_sync(struct ls_destination *destination, uint32_t position, int begin)
{
	struct ls_segment *segment = &destination->segments[position];
	int fd = ls_destination_is_udmabuf(destination) ? segment->dmabuf : segment->fd;
	struct ls_dma_buf_sync request = { .flags = LS_DMA_BUF_SYNC_READ | LS_DMA_BUF_SYNC_WRITE };

	if (!ls_destination_is_dmabuf(destination) || fd < 0)
		return 0;
	if (!begin)
		request.flags |= LS_DMA_BUF_SYNC_END;
	while (ioctl(fd, LS_DMA_BUF_IOCTL_SYNC, &request))
		if (errno != EINTR && errno != EAGAIN)
			return fail(destination, -errno, "DMA_BUF_IOCTL_SYNC");
	return 0;
}

int ls_segment_view(struct ls_destination *destination, uint32_t position, const uint8_t **ret)
{
	struct ls_segment *segment = &destination->segments[position];
	void *map;
	int err;

	if (!ls_destination_is_udmabuf(destination)) {
		err = ls_segment_map(destination, position);
		*ret = segment->addr;
		return err;
	}
	map = mmap(NULL, ls_size(segment->bytes), PROT_READ, MAP_SHARED, segment->dmabuf, 0);
	if (map == MAP_FAILED)
		return fail(destination, -errno, "mmap udmabuf");
	munmap(segment->map, ls_size(segment->map_bytes));
	segment->map = segment->addr = map;
	segment->map_bytes = segment->bytes;
	*ret = map;
	return 0;
}

/* Segments may share one area of the address space, so areas are counted, not segments. */
static int holds(const void *context, uint64_t from, uint64_t to)
{
	const struct ls_destination *destination = context;

	for (uint32_t i = 0; i < destination->segments_count; i++) {
		const struct ls_segment *segment = &destination->segments[i];
		uint64_t start = (uintptr_t)segment->map;

		if (segment->map && start < to && from < start + segment->map_bytes)
			return 1;
	}
	return 0;
}

void ls_destination_smaps(const struct ls_destination *destination, struct ls_smaps *ret)
{
	ls_smaps_sum(holds, destination, ret);
}

/* A page is mapped as a huge one where it is first touched through a mapping of its size. */
static int count_huge_shmem(struct ls_destination *destination, const struct ls_segment *segment,
			    uint64_t *ret)
{
	struct ls_huge_mapping mapping;
	int err = ls_huge_mapping_init(&mapping, segment->fd, segment->bytes,
				       destination->huge_bytes);

	if (!err)
		err = ls_huge_mapping_count(&mapping, ret);
	ls_huge_mapping_deinit(&mapping);
	return err;
}

int ls_destination_huge_bytes(struct ls_destination *destination, int64_t *ret)
{
	struct ls_smaps smaps;
	int err = 0;

	*ret = 0;
	if (!is_shmem_thp(destination)) {
		ls_destination_smaps(destination, &smaps);
		*ret = (int64_t)smaps.huge_bytes;
		return smaps.error;
	}
	for (uint32_t i = 0; !err && i < destination->segments_count; i++) {
		uint64_t bytes = 0;

		err = count_huge_shmem(destination, &destination->segments[i], &bytes);
		*ret += (int64_t)bytes;
	}
	return err;
}
