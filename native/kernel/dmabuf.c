// SPDX-License-Identifier: GPL-2.0-only
/* A buffer as a dma-buf: for devices, and mapped for the CPU. */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "buffer.h"

struct attachment {
	struct device *device;
	struct sg_table table;
	struct list_head node;
	bool is_mapped;
};

static int make_table(const struct fill_buffer *buffer, struct sg_table *table)
{
	struct scatterlist *sg;
	unsigned int i;
	int error = sg_alloc_table(table, buffer->chunks, GFP_KERNEL);

	if (error)
		return error;
	for_each_sgtable_sg(table, sg, i)
		sg_set_page(sg, buffer->bvecs[i].bv_page, buffer->bvecs[i].bv_len, 0);
	return 0;
}

static int buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *dma)
{
	struct fill_buffer *buffer = dmabuf->priv;
	struct attachment *attachment = kzalloc(sizeof(*attachment), GFP_KERNEL);
	int error;

	if (!attachment)
		return -ENOMEM;
	error = make_table(buffer, &attachment->table);
	if (error) {
		kfree(attachment);
		return error;
	}
	attachment->device = dma->dev;
	dma->priv = attachment;
	mutex_lock(&buffer->lock);
	list_add(&attachment->node, &buffer->attachments);
	mutex_unlock(&buffer->lock);
	return 0;
}

static void buffer_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *dma)
{
	struct fill_buffer *buffer = dmabuf->priv;
	struct attachment *attachment = dma->priv;

	mutex_lock(&buffer->lock);
	list_del(&attachment->node);
	mutex_unlock(&buffer->lock);
	sg_free_table(&attachment->table);
	kfree(attachment);
}

static struct sg_table *buffer_map(struct dma_buf_attachment *dma,
				   enum dma_data_direction direction)
{
	struct fill_buffer *buffer = dma->dmabuf->priv;
	struct attachment *attachment = dma->priv;
	int error;

	mutex_lock(&buffer->lock);
	error = dma_map_sgtable(dma->dev, &attachment->table, direction, 0);
	attachment->is_mapped = !error;
	mutex_unlock(&buffer->lock);
	return error ? ERR_PTR(error) : &attachment->table;
}

static void buffer_unmap(struct dma_buf_attachment *dma, struct sg_table *table,
			 enum dma_data_direction direction)
{
	struct fill_buffer *buffer = dma->dmabuf->priv;
	struct attachment *attachment = dma->priv;

	mutex_lock(&buffer->lock);
	attachment->is_mapped = false;
	dma_unmap_sgtable(dma->dev, table, direction, 0);
	mutex_unlock(&buffer->lock);
}

static int buffer_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct fill_buffer *buffer = dmabuf->priv;
	struct attachment *attachment;

	mutex_lock(&buffer->lock);
	list_for_each_entry(attachment, &buffer->attachments, node)
		if (attachment->is_mapped)
			dma_sync_sgtable_for_cpu(attachment->device, &attachment->table,
						 direction);
	mutex_unlock(&buffer->lock);
	return 0;
}

static int buffer_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct fill_buffer *buffer = dmabuf->priv;
	struct attachment *attachment;

	mutex_lock(&buffer->lock);
	list_for_each_entry(attachment, &buffer->attachments, node)
		if (attachment->is_mapped)
			dma_sync_sgtable_for_device(attachment->device, &attachment->table,
						    direction);
	mutex_unlock(&buffer->lock);
	return 0;
}

static int insert_pages(struct vm_area_struct *vma, unsigned long addr, struct page *page,
			unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++) {
		int error = vm_insert_page(vma, addr + (i << PAGE_SHIFT), page + i);

		if (error)
			return error;
	}
	return 0;
}

/* That the mapping lies within the buffer has been checked by dma-buf. */
static int buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	const struct fill_buffer *buffer = dmabuf->priv;
	unsigned long addr = vma->vm_start, skip = vma->vm_pgoff;
	unsigned int i;
	int error = 0;

	/* A private mapping would be copied on write, which nobody wants of a device's memory. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	for (i = 0; !error && i < buffer->chunks && addr < vma->vm_end; i++) {
		unsigned long pages = buffer->bvecs[i].bv_len >> PAGE_SHIFT;
		struct page *page = buffer->bvecs[i].bv_page + skip;

		if (skip >= pages) {
			skip -= pages;
			continue;
		}
		pages = min(pages - skip, (vma->vm_end - addr) >> PAGE_SHIFT);
		if (buffer->is_pinnable)
			error = insert_pages(vma, addr, page, pages);
		else
			error = remap_pfn_range(vma, addr, page_to_pfn(page),
						pages << PAGE_SHIFT, vma->vm_page_prot);
		addr += pages << PAGE_SHIFT;
		skip = 0;
		cond_resched();
	}
	return error;
}

static void buffer_release(struct dma_buf *dmabuf)
{
	fill_buffer_destroy(dmabuf->priv);
}

static const struct dma_buf_ops buffer_ops = {
	.attach = buffer_attach,
	.detach = buffer_detach,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.begin_cpu_access = buffer_begin_cpu_access,
	.end_cpu_access = buffer_end_cpu_access,
	.mmap = buffer_mmap,
	.release = buffer_release,
};

struct dma_buf *fill_buffer_export(struct fill_buffer *buffer)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &buffer_ops;
	info.size = buffer->size;
	info.flags = O_RDWR;
	info.priv = buffer;
	return dma_buf_export(&info);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
MODULE_IMPORT_NS("DMA_BUF");
#else
MODULE_IMPORT_NS(DMA_BUF);
#endif
