/* SPDX-License-Identifier: Apache-2.0 */
#include "page/zram_sizes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/guard.h"
#include "system/clock.h"
#include "system/device.h"
#include "system/file.h"
#include "system/mm_stat.h"

static int read_stored(const struct ls_zram_sizes *sizes, uint64_t *ret)
{
	struct ls_mm_stat stat;
	int err = ls_mm_stat_read(sizes->mm_stat, &stat);

	if (!err)
		*ret = (uint64_t)stat.compressed_bytes;
	return err;
}

/* Zeros take nothing: what still does then is somebody else's. */
static int empty(const struct ls_zram_sizes *sizes, const char **step)
{
	LS_FREE void *zeros = NULL;
	uint64_t stored;
	int err;

	*step = "reserve memory";
	if (posix_memalign(&zeros, sizes->page_bytes, sizes->page_bytes))
		return -ENOMEM;
	memset(zeros, 0, sizes->page_bytes);
	*step = "write zram";
	err = ls_file_write(sizes->fd, zeros, sizes->page_bytes, 0, 0);
	if (err)
		return err;
	*step = "read mm_stat";
	err = read_stored(sizes, &stored);
	return !err && stored ? -EBUSY : err;
}

int ls_zram_sizes_open(struct ls_zram_sizes *sizes, const char *device, size_t page_bytes,
		       const char **step)
{
	struct ls_device_info info;
	int err;

	*sizes = (struct ls_zram_sizes){ .fd = -1, .mm_stat = -1, .page_bytes = page_bytes };
	if (!*device)
		return 0;
	*step = "query device";
	err = ls_device_query(device, &info);
	if (err)
		return err;
	*step = "open mm_stat";
	err = ls_mm_stat_open(info.major, info.minor, &sizes->mm_stat);
	if (err)
		return err;
	*step = "open zram";
	sizes->fd = open(device, O_WRONLY | O_DIRECT | O_CLOEXEC | O_EXCL);
	if (sizes->fd < 0)
		return -errno;
	return empty(sizes, step);
}

void ls_zram_sizes_close(struct ls_zram_sizes *sizes)
{
	if (sizes->fd >= 0)
		close(sizes->fd);
	if (sizes->mm_stat >= 0)
		close(sizes->mm_stat);
}

static void count(struct ls_page_count *counted, uint64_t bytes, uint64_t ns)
{
	counted->pages++;
	counted->bytes += bytes;
	counted->ns += ns;
}

static void take(struct ls_zram_sizes *sizes, uint64_t bytes, size_t measured_bytes, uint64_t ns)
{
	if (bytes >= sizes->page_bytes) {
		count(&sizes->huge, bytes, ns);
		if (!sizes->least_huge_bytes || measured_bytes < sizes->least_huge_bytes)
			sizes->least_huge_bytes = measured_bytes;
	} else if (bytes > sizes->most_stored_bytes) {
		sizes->most_stored_bytes = bytes;
	}
	sizes->equal_pages += bytes < sizes->page_bytes && bytes == measured_bytes;
	if (bytes)
		count(&sizes->deciles[bytes >= sizes->page_bytes
					      ? LS_DECILES - 1
					      : bytes * (LS_DECILES - 1) / sizes->page_bytes],
		      bytes, ns);
	else
		count(&sizes->same, 0, ns);
}

int ls_zram_sizes_add(struct ls_zram_sizes *sizes, const void *page, size_t measured_bytes,
		      const char **step)
{
	const int64_t start_ns = ls_clock_now();
	uint64_t stored, elapsed_ns;
	int err;

	*step = "write zram";
	err = ls_file_write(sizes->fd, page, sizes->page_bytes, 0, 0);
	if (err)
		return err;
	elapsed_ns = (uint64_t)(ls_clock_now() - start_ns);
	*step = "read mm_stat";
	err = read_stored(sizes, &stored);
	if (!err)
		take(sizes, stored, measured_bytes, elapsed_ns);
	return err;
}
