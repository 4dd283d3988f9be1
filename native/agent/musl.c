/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's liburing.a for machines of 32 bits asks for glibc's names of calls with 64-bit
 * offsets. musl has no other kind, and no such names.
 */
#include <stdint.h>

#if !defined(__GLIBC__) && UINTPTR_MAX == UINT32_MAX

#include <sys/mman.h>
#include <sys/resource.h>

/* Some headers of musl still have them as macros. */
#undef mmap64
#undef getrlimit64
#undef setrlimit64

void *mmap64(void *addr, size_t bytes, int protection, int flags, int fd, off_t offset);
int getrlimit64(int resource, struct rlimit *ret);
int setrlimit64(int resource, const struct rlimit *limit);

void *mmap64(void *addr, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	return mmap(addr, bytes, protection, flags, fd, offset);
}

int getrlimit64(int resource, struct rlimit *ret)
{
	return getrlimit(resource, ret);
}

int setrlimit64(int resource, const struct rlimit *limit)
{
	return setrlimit(resource, limit);
}

#endif
