/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before a recipe, or preloaded: reads tell less than they brought (SHORT_BYTES), and
 * the ring's first one fails as FIRST_RESULT says.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <stdlib.h>

static inline long number_from(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

static inline long shortened(long got)
{
	long most = number_from("SHORT_BYTES", got);

	return got > most ? most : got;
}

#ifdef PRELOADED

#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t pread64(int fd, void *to, size_t bytes, off_t from)
{
	ssize_t (*next)(int, void *, size_t, off_t) =
		(ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64");

	return shortened(next(fd, to, bytes, from));
}

ssize_t preadv64v2(int fd, const struct iovec *parts, int count, off_t from, int flags)
{
	ssize_t (*next)(int, const struct iovec *, int, off_t, int) =
		(ssize_t (*)(int, const struct iovec *, int, off_t, int))dlsym(RTLD_NEXT,
									       "preadv64v2");

	return shortened(next(fd, parts, count, from, flags));
}

#else

#include <liburing.h>

static inline int peek_short(struct io_uring *ring, struct io_uring_cqe **cqe)
{
	static int is_later;
	int err = io_uring_peek_cqe(ring, cqe);

	if (err)
		return err;
	(*cqe)->res = (int)shortened((*cqe)->res);
	if (!is_later)
		(*cqe)->res = (int)number_from("FIRST_RESULT", (*cqe)->res);
	is_later = 1;
	return 0;
}

#define io_uring_peek_cqe peek_short

#endif
