// SPDX-License-Identifier: GPL-2.0-only
/* /dev/loadstone_fill: its one request, from user space and back. */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "load.h"
#include "loadstone_fill.h"

#define MAX_BLOCK SZ_1G
#define MAX_DEPTH 4096

static int check_memory(const struct loadstone_fill *fill)
{
	if (!fill->size || !PAGE_ALIGNED(fill->size) || !fill->batch)
		return -EINVAL;
	if (fill->flags & ~LOADSTONE_FILL_PINNABLE)
		return -EINVAL;
	if (fill->size > LONG_MAX || fill->size >> PAGE_SHIFT > totalram_pages())
		return -ENOMEM;
	return 0;
}

static int check_range(const struct loadstone_fill *fill)
{
	if (!fill->length)
		return fill->file_fd == -1 ? 0 : -EINVAL;
	if (fill->mode > LOADSTONE_FILL_ASYNC || !fill->block || fill->block > MAX_BLOCK ||
	    !fill->depth || fill->depth > MAX_DEPTH)
		return -EINVAL;
	if (fill->length > fill->size)
		return -EINVAL;
	return fill->offset > LLONG_MAX - fill->size ? -EOVERFLOW : 0;
}

static int check_file(const struct file *file)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return S_ISREG(file_inode(file)->i_mode) ? 0 : -EINVAL;
}

static struct fill_buffer *make_buffer(struct loadstone_fill *fill, struct file *file, u64 began)
{
	struct fill_buffer *buffer;
	int error;

	buffer = fill_buffer_create(fill->size, fill->flags & LOADSTONE_FILL_PINNABLE);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	error = fill_load_run(fill, buffer, file, began);
	if (!error)
		return buffer;
	fill_buffer_destroy(buffer);
	return ERR_PTR(error);
}

static struct dma_buf *make_dmabuf(struct loadstone_fill *fill, struct file *file, u64 began)
{
	struct fill_buffer *buffer = make_buffer(fill, file, began);
	struct dma_buf *dmabuf;
	u64 filled = ktime_get_ns();

	if (IS_ERR(buffer))
		return ERR_CAST(buffer);
	dmabuf = fill_buffer_export(buffer);
	if (IS_ERR(dmabuf))
		fill_buffer_destroy(buffer);
	fill->export_ns = ktime_get_ns() - filled;
	fill->total_ns = ktime_get_ns() - began;
	return dmabuf;
}

/* The descriptor appears only once nothing can fail any more. */
static int hand_over(struct loadstone_fill *fill, struct dma_buf *dmabuf, void __user *user,
		     size_t bytes)
{
	fill->fd = get_unused_fd_flags(O_CLOEXEC);
	if (fill->fd < 0)
		return fill->fd;
	if (copy_to_user(user, fill, min(bytes, sizeof(*fill)))) {
		put_unused_fd(fill->fd);
		return -EFAULT;
	}
	fd_install(fill->fd, dmabuf->file);
	return 0;
}

static int do_fill(struct loadstone_fill *fill, void __user *user, size_t bytes)
{
	u64 began = ktime_get_ns();
	struct file *file = NULL;
	struct dma_buf *dmabuf;
	int error = 0;

	if (fill->length) {
		file = fget(fill->file_fd);
		if (!file)
			return -EBADF;
		error = check_file(file);
	}
	dmabuf = error ? ERR_PTR(error) : make_dmabuf(fill, file, began);
	if (file)
		fput(file);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	error = hand_over(fill, dmabuf, user, bytes);
	if (error)
		dma_buf_put(dmabuf);
	return error;
}

/* The size of the struct is part of the command's number: other sizes are other commands. */
static bool is_fill(unsigned int command)
{
	return _IOC_TYPE(command) == _IOC_TYPE(LOADSTONE_FILL) &&
	       _IOC_NR(command) == _IOC_NR(LOADSTONE_FILL) &&
	       _IOC_DIR(command) == _IOC_DIR(LOADSTONE_FILL) &&
	       _IOC_SIZE(command) >= sizeof(struct loadstone_fill);
}

static long fill_ioctl(struct file *device, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct loadstone_fill fill;
	int error;

	if (!is_fill(command))
		return -ENOTTY;
	error = copy_struct_from_user(&fill, sizeof(fill), user, _IOC_SIZE(command));
	if (!error)
		error = check_memory(&fill);
	if (!error)
		error = check_range(&fill);
	return error ? error : do_fill(&fill, user, _IOC_SIZE(command));
}

static const struct file_operations fill_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = fill_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice fill_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "loadstone_fill",
	.fops = &fill_operations,
	.mode = 0600,
};

static int __init fill_init(void)
{
	int error = fill_workers_create();

	if (error)
		return error;
	error = misc_register(&fill_device);
	if (error)
		fill_workers_destroy();
	return error;
}

static void __exit fill_exit(void)
{
	misc_deregister(&fill_device);
	fill_workers_destroy();
}

module_init(fill_init);
module_exit(fill_exit);

MODULE_DESCRIPTION("dma-bufs that the kernel fills from a file, to be measured");
MODULE_LICENSE("GPL");
