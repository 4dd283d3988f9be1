/* SPDX-License-Identifier: Apache-2.0 */
/* The file: opened through the page cache or around it, and read by pread(2). */
#ifndef SOURCE_H
#define SOURCE_H

#include "recipe.h"

#include <sys/stat.h>

enum { BLOCK_BYTES = 1 << 20 };

struct source {
	int fd;
	size_t bytes;	/* of the file */
	size_t align;	/* that offsets, lengths and addresses need: 1 through the page cache */
};

static inline void close_source(const struct source *source)
{
	close_fd(&source->fd);
}

#define SOURCE __attribute__((cleanup(close_source))) struct source

/* A page is enough for nearly every disk; the kernel knows better since Linux 6.1. */
static inline size_t direct_align(int fd)
{
	size_t align = (size_t)sysconf(_SC_PAGESIZE);
#ifdef STATX_DIOALIGN
	struct statx known = { 0 };

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &known) ||
	    !(known.stx_mask & STATX_DIOALIGN))
		return align;
	if (!known.stx_dio_offset_align)
		return 1;
	if (align < known.stx_dio_offset_align)
		align = known.stx_dio_offset_align;
	if (align < known.stx_dio_mem_align)
		align = known.stx_dio_mem_align;
#else
	(void)fd;
#endif
	return align;
}

/* From here on through the page cache, which takes any alignment. */
static inline int leave_direct(struct source *source)
{
	int flags = fcntl(source->fd, F_GETFL);

	source->align = 1;
	return flags < 0 || fcntl(source->fd, F_SETFL, flags & ~O_DIRECT) ? -errno : 0;
}

/* Args: direct: O_DIRECT or 0. A file system that refuses O_DIRECT is read without. */
static inline int open_source(struct model *model, const char *path, int direct,
			      struct source *ret)
{
	struct stat stat;

	*ret = (struct source){ .fd = open(path, O_RDONLY | O_CLOEXEC | direct), .align = 1 };
	if (ret->fd < 0 && errno == EINVAL && direct)
		return open_source(model, path, 0, ret);
	if (ret->fd < 0)
		return fail(model, errno, "open", NULL);
	if (fstat(ret->fd, &stat))
		return fail(model, errno, "fstat", NULL);
	if (!S_ISREG(stat.st_mode) || !stat.st_size)
		return fail(model, EINVAL, "open", "take a file that holds something");
	if ((uintmax_t)stat.st_size > SIZE_MAX / 2)
		return fail(model, EFBIG, "open", "take a 64-bit machine");
	model->bytes = ret->bytes = (size_t)stat.st_size;
	if (direct)
		ret->align = direct_align(ret->fd);
	return direct && ret->align == 1 ? leave_direct(ret) : 0;
}

static inline const char *how(const struct source *source)
{
	return source->align > 1 ? "direct" : "buffered";
}

/* What memory must hold: the last direct read is of whole blocks, and ends at the file's end. */
static inline size_t room(const struct source *source)
{
	return round_up(source->bytes, source->align > 1 ? source->align
							  : (size_t)sysconf(_SC_PAGESIZE));
}

/* Whether the same is to be read again without O_DIRECT, which this file system refuses now. */
static inline int is_refused(struct source *source, int code)
{
	return code == EINVAL && source->align > 1 && !leave_direct(source);
}

/* Returns 0, or -errno. Reads bytes at from, which is a multiple of align, to an address that is. */
static inline int read_source(struct model *model, struct source *source, uint8_t *to,
			      size_t from, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		size_t rest = round_up(bytes - done, source->align);
		size_t want = rest < BLOCK_BYTES ? rest : BLOCK_BYTES;
		ssize_t got = pread(source->fd, to + done, want, (off_t)(from + done));

		if (got < 0 && (errno == EINTR || is_refused(source, errno)))
			continue;
		if (got < 0)
			return fail(model, errno, "pread", NULL);
		if (got == 0)
			return fail(model, ENODATA, "pread", "the file shrank: keep it still");
		done += (size_t)got;
		/* A short read may end amid a block, where no direct one can begin. */
		if (done < bytes && done % source->align && leave_direct(source))
			return fail(model, errno, "F_SETFL", NULL);
	}
	return 0;
}

#endif
