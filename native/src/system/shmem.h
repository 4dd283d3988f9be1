/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages of shared memory (memfds): how they are to be had, and how many there are. */
#ifndef LS_SHMEM_H
#define LS_SHMEM_H

#include <stdint.h>

enum ls_shmem_way {
	LS_SHMEM_NONE,
	LS_SHMEM_FAULT,		/* MADV_HUGEPAGE, then a fault brings one */
	LS_SHMEM_COLLAPSE,	/* MADV_COLLAPSE, also where shmem_enabled is never */
};

/* A memfd mapped where huge pages may be, with MADV_HUGEPAGE. */
struct ls_huge_mapping {
	uint8_t *addr;
	uint64_t bytes;
	uint64_t huge_bytes;
	void *map;			/* what munmap wants, or NULL */
	uint64_t map_bytes;
};

/* Returns -errno; deinit is to be called all the same, unless somebody else unmaps map. */
int ls_huge_mapping_init(struct ls_huge_mapping *mapping, int fd, uint64_t bytes,
			 uint64_t huge_bytes);
void ls_huge_mapping_deinit(struct ls_huge_mapping *mapping);

/* How many bytes of a fresh mapping are huge pages; touches the first byte of each. */
int ls_huge_mapping_count(struct ls_huge_mapping *mapping, uint64_t *ret);

/*
 * By which way this kernel gives shared memory huge pages of that size, found by trying with
 * one: 0, -ENOTSUP where by none, or another -errno.
 */
int ls_shmem_huge_way(uint64_t huge_bytes, enum ls_shmem_way *ret);

/*
 * MADV_COLLAPSE of whole huge pages that are all holes: 0 also where memory is too scarce or
 * fragmented for some, which then are small pages; or -errno.
 */
int ls_shmem_collapse(uint8_t *addr, uint64_t bytes, uint64_t huge_bytes);

#endif
