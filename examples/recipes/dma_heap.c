/* SPDX-License-Identifier: Apache-2.0 */
/* A dma-buf of a heap, filled through its mapping. */
#include "dmabuf.h"

#include <linux/dma-heap.h>

#define HEAP "/dev/dma_heap/system"

static int allocate(struct model *model, size_t bytes)
{
	/* Opened for reading only: on phones a loader may do no more with it. */
	CLOSED int heap = open(HEAP, O_RDONLY | O_CLOEXEC);
	struct dma_heap_allocation_data request = { .len = bytes, .fd_flags = O_RDWR | O_CLOEXEC };

	if (heap < 0)
		return fail(model, errno, "open " HEAP,
			    errno == ENOENT ? "take a kernel with CONFIG_DMABUF_HEAPS_SYSTEM"
					    : "run as root, or as a user who may");
	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &request))
		return fail(model, errno, "DMA_HEAP_IOCTL_ALLOC", NULL);
	model->dmabuf = (int)request.fd;
	return map_memory(model, bytes, MAP_SHARED, model->dmabuf);
}

/* Buffered: a heap's mapping (VM_PFNMAP) cannot be pinned, and O_DIRECT answers EFAULT. */
int load(const char *path, struct model *model)
{
	SOURCE source;
	int err = open_source(model, path, 0, &source);

	if (!err)
		err = allocate(model, room(&source));
	if (!err)
		err = sync_dmabuf(model, DMA_BUF_SYNC_START);
	if (!err)
		err = read_source(model, &source, model->data, 0, source.bytes);
	if (!err)
		err = sync_dmabuf(model, DMA_BUF_SYNC_END);
	model->how = how(&source);
	return err;
}
