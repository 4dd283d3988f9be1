/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory that a dma-buf is made of, and the dma-buf. */
#ifndef DMABUF_H
#define DMABUF_H

#include "source.h"

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>

/* A udmabuf takes only a memfd that can no longer shrink. */
static inline int make_memfd(struct model *model, size_t bytes, int *ret)
{
	*ret = memfd_create("model", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*ret < 0)
		return fail(model, errno, "memfd_create", NULL);
	if (ftruncate(*ret, (off_t)bytes) || fcntl(*ret, F_ADD_SEALS, F_SEAL_SHRINK))
		return fail(model, errno, "memfd", NULL);
	return map_memory(model, bytes, MAP_SHARED, *ret);
}

/* Takes the pages of the memfd, and allocates those that are not there. */
static inline int make_udmabuf(struct model *model, int memfd)
{
	CLOSED int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create request = { .memfd = (uint32_t)memfd,
					  .flags = UDMABUF_FLAGS_CLOEXEC,
					  .size = model->map_bytes };

	if (device < 0)
		return fail(model, errno, "open /dev/udmabuf",
			    errno == ENOENT ? "modprobe udmabuf (CONFIG_UDMABUF)" : "run as root");
	model->dmabuf = ioctl(device, UDMABUF_CREATE, &request);
	if (model->dmabuf < 0)
		return fail(model, errno, "UDMABUF_CREATE",
			    errno == EINVAL ? "too large: raise "
					      "/sys/module/udmabuf/parameters/size_limit_mb"
					    : NULL);
	return 0;
}

/* Around what the CPU does to a dma-buf's memory: devices that see no caches need both. */
static inline int sync_dmabuf(struct model *model, uint64_t edge)
{
	struct dma_buf_sync request = { .flags = DMA_BUF_SYNC_RW | edge };

	while (ioctl(model->dmabuf, DMA_BUF_IOCTL_SYNC, &request))
		if (errno != EINTR && errno != EAGAIN)
			return fail(model, errno, "DMA_BUF_IOCTL_SYNC", NULL);
	return 0;
}

#endif
