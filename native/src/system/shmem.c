/* SPDX-License-Identifier: Apache-2.0 */
#include "system/shmem.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/size.h"
#include "system/smaps.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Room for one huge page more is reserved, so that the mapping can begin at a multiple of one. */
int ls_huge_mapping_init(struct ls_huge_mapping *mapping, int fd, uint64_t bytes,
			 uint64_t huge_bytes)
{
	void *room = mmap(NULL, ls_size(bytes + huge_bytes), PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*mapping = (struct ls_huge_mapping){ .bytes = bytes, .huge_bytes = huge_bytes };
	if (room == MAP_FAILED)
		return -errno;
	mapping->map = room;
	mapping->map_bytes = bytes + huge_bytes;
	mapping->addr = room;
	mapping->addr += (huge_bytes - (uintptr_t)room % huge_bytes) % huge_bytes;
	if (mmap(mapping->addr, ls_size(bytes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		return -errno;
	return madvise(mapping->addr, ls_size(bytes), MADV_HUGEPAGE) ? -errno : 0;
}

void ls_huge_mapping_deinit(struct ls_huge_mapping *mapping)
{
	if (mapping->map)
		munmap(mapping->map, ls_size(mapping->map_bytes));
	mapping->map = NULL;
}

static int holds(const void *context, uint64_t from, uint64_t to)
{
	const struct ls_huge_mapping *mapping = context;
	uint64_t start = (uintptr_t)mapping->addr;

	return start < to && from < start + mapping->bytes;
}

int ls_huge_mapping_count(struct ls_huge_mapping *mapping, uint64_t *ret)
{
	struct ls_smaps smaps;

	for (uint64_t at = 0; at < mapping->bytes; at += mapping->huge_bytes)
		(void)*(volatile const uint8_t *)(mapping->addr + at);
	ls_smaps_sum(holds, mapping, &smaps);
	*ret = smaps.huge_bytes;
	return smaps.error;
}

/* There must be a page table, and so a page: of nothing at all no huge page is made. */
int ls_shmem_collapse(uint8_t *addr, uint64_t bytes, uint64_t huge_bytes)
{
	for (uint64_t at = 0; at < bytes; at += huge_bytes)
		*(volatile uint8_t *)(addr + at) = 0;
	if (!madvise(addr, ls_size(bytes), MADV_COLLAPSE))
		return 0;
	return errno == ENOMEM || errno == EAGAIN || errno == EBUSY ? 0 : -errno;
}

static int try_way(int fd, uint64_t huge_bytes, enum ls_shmem_way *ret)
{
	struct ls_huge_mapping mapping;
	uint64_t bytes = 0;
	int err = ls_huge_mapping_init(&mapping, fd, huge_bytes, huge_bytes);

	*ret = LS_SHMEM_FAULT;
	if (!err) {
		*(volatile uint8_t *)mapping.addr = 0;
		err = ls_huge_mapping_count(&mapping, &bytes);
	}
	if (!err && !bytes) {
		*ret = LS_SHMEM_COLLAPSE;
		err = madvise(mapping.addr, ls_size(huge_bytes), MADV_COLLAPSE) ? -errno : 0;
	}
	ls_huge_mapping_deinit(&mapping);
	return err == -EINVAL ? -ENOTSUP : err;
}

int ls_shmem_huge_way(uint64_t huge_bytes, enum ls_shmem_way *ret)
{
	LS_CLOSE int fd = memfd_create("loadstone-probe", MFD_CLOEXEC);

	*ret = LS_SHMEM_NONE;
	if (fd < 0 || ftruncate(fd, (off_t)huge_bytes))
		return -errno;
	return huge_bytes ? try_way(fd, huge_bytes, ret) : -ENOTSUP;
}
