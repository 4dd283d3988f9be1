/* SPDX-License-Identifier: Apache-2.0 */
#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/record.h"
#include "core/size.h"

enum {
	STATX_DIOALIGN_MASK = 0x2000,
	ALLOCATION_BYTES = 512,		/* of st_blocks */
	PROBE_START_BYTES = 512,
	PROBE_END_BYTES = 65536,
};

/* The head of the kernel's struct statx, long enough for the fields wanted. */
struct statx_words {
	uint32_t stx_mask;
	uint32_t stx_blksize;
	uint64_t stx_attributes;
	uint8_t between[136];
	uint32_t stx_dio_mem_align;
	uint32_t stx_dio_offset_align;
	uint8_t rest[96];
};

_Static_assert(sizeof(struct statx_words) == 256, "struct statx is 256 bytes");

int ls_file_stat(const char *path, struct stat *ret)
{
	if (stat(path, ret))
		return -errno;
	if (S_ISDIR(ret->st_mode))
		return -EISDIR;
	if (!S_ISREG(ret->st_mode))
		return -EINVAL;
	return ret->st_size ? 0 : -ENODATA;
}

void ls_file_report(const struct stat *file, struct ls_result *result)
{
	ls_value_add(result, "file_bytes", file->st_size);
	ls_value_add(result, "allocated_bytes", (int64_t)file->st_blocks * ALLOCATION_BYTES);
	ls_value_add(result, "inode", (int64_t)file->st_ino);
	ls_value_add(result, "mtime_ns", (int64_t)ls_file_mtime_ns(file));
}

/*
 * 1 with the alignment, 0 when the kernel doesn't report it, -EOPNOTSUPP when it reports that
 * there is none.
 */
static int ask_statx(int fd, uint32_t *ret)
{
	struct statx_words words = { 0 };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN_MASK, &words))
		return 0;
	if (!(words.stx_mask & STATX_DIOALIGN_MASK))
		return 0;
	if (!words.stx_dio_offset_align)
		return -EOPNOTSUPP;
	*ret = words.stx_dio_mem_align > words.stx_dio_offset_align ? words.stx_dio_mem_align
								    : words.stx_dio_offset_align;
	return 1;
}

int64_t ls_file_attributes(int fd)
{
	struct statx_words words = { 0 };

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &words))
		return 0;
	return (int64_t)words.stx_attributes;
}

static int try_read(int fd, void *memory, uint32_t bytes)
{
	while (pread(fd, memory, bytes, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Some file systems (btrfs) read what isn't a multiple of this through the page cache. */
static uint32_t least_common_bytes(int fd)
{
	const uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (fstat(fd, &st) || (uint64_t)st.st_blksize > page)
		return page;
	return st.st_blksize < PROBE_START_BYTES ? PROBE_START_BYTES
						    : (uint32_t)st.st_blksize;
}

static int find_by_reading(int fd, uint32_t *ret)
{
	LS_FREE void *memory = NULL;
	int err = -EINVAL;

	if (posix_memalign(&memory, PROBE_END_BYTES, PROBE_END_BYTES))
		return -ENOMEM;
	for (*ret = least_common_bytes(fd); *ret <= PROBE_END_BYTES; *ret *= 2) {
		err = try_read(fd, memory, *ret);
		if (err != -EINVAL)
			break;
	}
	return err;
}

int ls_file_direct_alignment(int fd, uint32_t *ret)
{
	int answer = ask_statx(fd, ret);

	if (answer)
		return answer < 0 ? answer : 0;
	return find_by_reading(fd, ret);
}

/* pwrite(2) is cheaper than pwritev2(2) without flags. */
static ssize_t write_some(int fd, const char *data, uint64_t bytes, uint64_t offset, int flags)
{
	struct iovec piece = { (void *)data, ls_size(bytes) };

	return flags ? pwritev2(fd, &piece, 1, (off_t)offset, flags)
		     : pwrite(fd, data, ls_size(bytes), (off_t)offset);
}

int ls_file_write(int fd, const void *data, uint64_t bytes, uint64_t offset, int flags)
{
	for (uint64_t done = 0; done < bytes;) {
		ssize_t put = write_some(fd, (const char *)data + done, bytes - done,
					 offset + done, flags);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		done += (uint64_t)put;
	}
	return 0;
}

int ls_file_read(int fd, void *data, uint64_t bytes, uint64_t offset)
{
	for (uint64_t done = 0; done < bytes;) {
		ssize_t got = pread(fd, (char *)data + done, ls_size(bytes - done),
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENODATA;
		done += (uint64_t)got;
	}
	return 0;
}
