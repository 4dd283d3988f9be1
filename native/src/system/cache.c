/* SPDX-License-Identifier: Apache-2.0 */
#include "system/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/size.h"
#include "system/clock.h"

enum {
	CACHESTAT_NUMBER = 451,		/* the same on every architecture, Linux 6.5 */
	MINCORE_WINDOW_PAGES = 16384,
	DROP_TRIES = 3,
	DROP_PAUSE_NS = 20000000,
	WARM_BYTES = 1 << 20,
	BEHIND_END_BYTES = 64 << 20,
};

struct cachestat_range {
	uint64_t off;
	uint64_t len;
};

struct cachestat {
	uint64_t nr_cache;
	uint64_t nr_dirty;
	uint64_t nr_writeback;
	uint64_t nr_evicted;
	uint64_t nr_recently_evicted;
};

/* An overlayfs inode has no pages of its own: cachestat(2) finds none, whatever is cached below. */
static int cachestat_sees(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

static int ask_cachestat(int fd, uint64_t file_bytes, struct cachestat *ret)
{
	struct cachestat_range range = { 0, file_bytes };

	if (!cachestat_sees(fd))
		return -EOPNOTSUPP;
	return syscall(CACHESTAT_NUMBER, fd, &range, ret, 0) ? -errno : 0;
}

int ls_cache_dirty(int fd, uint64_t file_bytes, int64_t *ret)
{
	struct cachestat stat;
	int err = ask_cachestat(fd, file_bytes, &stat);

	if (!err)
		*ret = (int64_t)(stat.nr_dirty + stat.nr_writeback) * sysconf(_SC_PAGESIZE);
	return err;
}

/*
 * mincore(2) calls every page resident for a user who neither owns the file nor
 * may write it: then also one so far behind the end that no folio reaches it, and
 * this is -EPERM. What cannot be mapped has an error of its own.
 */
static int check_mincore(int fd, uint64_t file_bytes)
{
	const uint64_t behind = (file_bytes / BEHIND_END_BYTES + 2) * BEHIND_END_BYTES;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)behind);
	unsigned char resident = 0;
	int err = 0;

	if (map == MAP_FAILED)
		return -errno;
	if (mincore(map, page, &resident))
		err = -errno;
	munmap(map, page);
	return err ? err : resident & 1 ? -EPERM : 0;
}

static int resident_in_window(int fd, uint64_t start, uint64_t bytes, int64_t *pages)
{
	unsigned char resident[MINCORE_WINDOW_PAGES];
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, ls_size(bytes), PROT_READ, MAP_SHARED, fd, (off_t)start);
	int err = 0;

	if (map == MAP_FAILED)
		return -errno;
	if (mincore(map, ls_size(bytes), resident))
		err = -errno;
	munmap(map, ls_size(bytes));
	for (uint64_t i = 0; !err && i < (bytes + page - 1) / page; i++)
		*pages += resident[i] & 1;
	return err;
}

static int resident_by_mincore(int fd, uint64_t file_bytes, int64_t *ret)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t window = MINCORE_WINDOW_PAGES * page;
	int64_t pages = 0;
	int err = check_mincore(fd, file_bytes);

	for (uint64_t start = 0; !err && start < file_bytes; start += window) {
		uint64_t left = file_bytes - start;

		err = resident_in_window(fd, start, left < window ? left : window, &pages);
	}
	if (err)
		return err;
	*ret = pages * (int64_t)page;
	return 0;
}

int ls_cache_resident(int fd, uint64_t file_bytes, int64_t *ret)
{
	struct cachestat stat;

	if (ask_cachestat(fd, file_bytes, &stat))
		return resident_by_mincore(fd, file_bytes, ret);
	*ret = (int64_t)stat.nr_cache * sysconf(_SC_PAGESIZE);
	return 0;
}

static int drop_caches(const char *which)
{
	LS_CLOSE int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, which, 1) < 0 ? -errno : 0;
}

int ls_cache_drop_inodes(void)
{
	return drop_caches("2");
}

/* Returns whether nothing of the file is resident, as far as this user may know. */
static int evict(int fd, uint64_t file_bytes, int *ret)
{
	int64_t resident = 0;
	int err = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	if (err)
		return -err;
	if (ret)
		*ret = !drop_caches("3");
	return !ls_cache_resident(fd, file_bytes, &resident) && !resident;
}

static int write_back(int fd)
{
	return fsync(fd) && errno != EINVAL && errno != EROFS ? -errno : 0;
}

int ls_cache_drop(int fd, uint64_t file_bytes, int *ret)
{
	int err = write_back(fd);

	if (err)
		return err;
	for (int i = 0; i < DROP_TRIES; i++) {
		int is_gone = evict(fd, file_bytes, ret);

		if (is_gone)
			return is_gone < 0 ? is_gone : 0;
		ls_clock_pause(DROP_PAUSE_NS);
	}
	return 0;
}

int ls_cache_evict(int fd, uint64_t file_bytes, int *ret)
{
	int is_gone, err = write_back(fd);

	if (err)
		return err;
	*ret = 0;
	is_gone = evict(fd, file_bytes, NULL);
	if (is_gone)
		return is_gone < 0 ? is_gone : 0;
	return ls_cache_drop(fd, file_bytes, ret);
}

int ls_cache_warm(int fd, uint64_t file_bytes)
{
	LS_FREE char *bytes = malloc(WARM_BYTES);
	uint64_t done = 0;

	if (!bytes)
		return -ENOMEM;
	/* What is resident may be in folios of other sizes, which are slower or faster to read. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (done < file_bytes) {
		ssize_t got = pread(fd, bytes, WARM_BYTES, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -ENODATA;
		done += (uint64_t)got;
	}
	return 0;
}
