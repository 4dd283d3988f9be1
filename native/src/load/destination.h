/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a file is read into: anonymous, huge, memfd, udmabuf, dma-buf heap, dma-buf. */
#ifndef LS_DESTINATION_H
#define LS_DESTINATION_H

#include <stdint.h>

#include "loadstone.h"
#include "system/shmem.h"
#include "system/smaps.h"

enum ls_destination_kind {
	LS_DESTINATION_MAPPING,		/* the file's own mapping: no memory of its own */
	LS_DESTINATION_ANON,
	LS_DESTINATION_THP,
	LS_DESTINATION_HUGETLB,
	LS_DESTINATION_MEMFD,
	LS_DESTINATION_MEMFD_THP,
	LS_DESTINATION_MEMFD_HUGETLB,
	LS_DESTINATION_UDMABUF,
	LS_DESTINATION_UDMABUF_THP,
	LS_DESTINATION_UDMABUF_HUGETLB,
	LS_DESTINATION_DMA_HEAP,
	LS_DESTINATION_DMA_BUF,		/* of our own kernel module */
	LS_DESTINATION_REUSED,		/* a small buffer, again and again: nothing is loaded */
};

/* By enum ls_destination_kind; ends with NULL. */
extern const char *const ls_destination_names[];

struct ls_segment {
	uint8_t *addr;			/* where the CPU sees it, or NULL */
	uint64_t bytes;
	void *map;			/* what munmap wants; begins before addr where aligned */
	uint64_t map_bytes;
	int fd;				/* memfd, or a dma-buf by birth; -1 */
	int dmabuf;			/* exported by udmabuf; -1 */
};

struct ls_destination {
	enum ls_destination_kind kind;
	struct ls_result *result;
	char path[LS_PATH_BYTES];	/* the device, where there is one */
	int device;
	uint64_t page_bytes;
	uint64_t huge_bytes;		/* where the kind has huge pages */
	int huge_error;			/* -errno where their size cannot be read */
	enum ls_shmem_way shmem_way;	/* of memfd-thp and udmabuf-thp, known once reserved */
	uint64_t granule_bytes;
	uint64_t window_bytes;		/* reused: what lies so far apart falls on the same place */
	uint32_t segments_count;
	struct ls_segment *segments;
};

/* Finds page sizes; heap is the dma-buf heap's name where the kind is one. */
void ls_destination_init(struct ls_destination *destination, enum ls_destination_kind kind,
			 const char *heap, struct ls_result *result);

/* Sizes of segments become multiples of bytes too: what O_DIRECT reads at once must fit. */
void ls_destination_align(struct ls_destination *destination, uint64_t bytes);

/* Memory for the list of segments, and how shmem gets huge pages; before the timed region. */
int ls_destination_reserve(struct ls_destination *destination, uint32_t segments);

/* reused: makes the buffers, for reads of at most so many bytes; nothing for the others. */
int ls_destination_reserve_reused(struct ls_destination *destination, uint64_t most_bytes);

/* Where the byte of a segment lies, or is read to. */
static inline uint8_t *ls_segment_addr(const struct ls_destination *destination, uint32_t segment,
				       uint64_t offset)
{
	uint64_t within = destination->window_bytes ? offset % destination->window_bytes : offset;

	return destination->segments[segment].addr + within;
}

/* Closes all, unmaps all; safe at any point after init. */
void ls_destination_deinit(struct ls_destination *destination);

/* Opens the device that the kind needs; 0 where it needs none. */
int ls_destination_open(struct ls_destination *destination);

/* Allocates, without touching pages. */
int ls_segment_create(struct ls_destination *destination, uint32_t segment, uint64_t bytes);

/* Maps what is not mapped by creation (memfds and dma-bufs); 0 for the others. */
int ls_segment_map(struct ls_destination *destination, uint32_t segment);

/* Makes huge pages of [offset, offset + bytes), which is whole ones, of shmem that collapses. */
int ls_segment_collapse(struct ls_destination *destination, uint32_t segment,
			uint64_t offset, uint64_t bytes);

/* Makes [offset, offset + bytes) present and writable. */
int ls_segment_populate(struct ls_destination *destination, uint32_t segment,
			uint64_t offset, uint64_t bytes);

/* udmabuf: makes the dma-buf over the memfd. */
int ls_segment_export(struct ls_destination *destination, uint32_t segment);

/* DMA_BUF_IOCTL_SYNC around writing by the CPU; nothing for plain memory. */
int ls_segment_sync(struct ls_destination *destination, uint32_t segment, int begin);

/* For verification: where an importer of the dma-buf sees the bytes. Undone by deinit. */
int ls_segment_view(struct ls_destination *destination, uint32_t segment, const uint8_t **ret);

/* What is resident of the segments where they are mapped. */
void ls_destination_smaps(const struct ls_destination *destination, struct ls_smaps *ret);

/* Bytes of all segments that huge pages really back: those of shmem also where nothing maps them. */
int ls_destination_huge_bytes(struct ls_destination *destination, int64_t *ret);

static inline int ls_destination_is_udmabuf(const struct ls_destination *destination)
{
	return destination->kind == LS_DESTINATION_UDMABUF ||
	       destination->kind == LS_DESTINATION_UDMABUF_THP ||
	       destination->kind == LS_DESTINATION_UDMABUF_HUGETLB;
}

/* Whether huge pages are made by MADV_COLLAPSE, as faults give none. */
static inline int ls_destination_collapses(const struct ls_destination *destination)
{
	return destination->shmem_way == LS_SHMEM_COLLAPSE;
}

/* The CPU writes through a mapping of the dma-buf, whose memory is there as soon as it is. */
static inline int ls_destination_starts_as_dmabuf(const struct ls_destination *destination)
{
	return destination->kind == LS_DESTINATION_DMA_HEAP ||
	       destination->kind == LS_DESTINATION_DMA_BUF;
}

static inline int ls_destination_is_dmabuf(const struct ls_destination *destination)
{
	return ls_destination_is_udmabuf(destination) ||
	       ls_destination_starts_as_dmabuf(destination);
}

static inline int ls_destination_is_memfd(const struct ls_destination *destination)
{
	return destination->kind == LS_DESTINATION_MEMFD ||
	       destination->kind == LS_DESTINATION_MEMFD_THP ||
	       destination->kind == LS_DESTINATION_MEMFD_HUGETLB ||
	       ls_destination_is_udmabuf(destination);
}

#endif
