/* SPDX-License-Identifier: Apache-2.0 */
#include "block/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "core/guard.h"
#include "system/device.h"
#include "system/meminfo.h"
#include "system/text.h"

#define SWAPS "/proc/swaps"

/* The beginning of the first page, which ends with the signature. */
struct header {
	uint8_t boot[1024];
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
	uint8_t uuid[16];
	char label[16];
};

static int fail(struct ls_swap_failure *failure, int err, const char *step, const char *path)
{
	failure->step = step;
	failure->path = path;
	return err;
}

static int make_header(uint8_t *page, size_t page_bytes, uint64_t device_bytes)
{
	static const char signature[10] = "SWAPSPACE2";
	struct header *header = (struct header *)page;
	const uint64_t pages = device_bytes / page_bytes;

	if (pages < 2)
		return -ENOSPC;
	header->version = 1;
	header->last_page = pages > UINT32_MAX ? UINT32_MAX : (uint32_t)(pages - 1);
	memcpy(header->label, "loadstone", sizeof("loadstone"));
	memcpy(page + page_bytes - sizeof(signature), signature, sizeof(signature));
	if (getrandom(header->uuid, sizeof(header->uuid), 0) < 0)
		return -errno;
	/* Random by RFC 4122. */
	header->uuid[6] = (uint8_t)((header->uuid[6] & 0x0f) | 0x40);
	header->uuid[8] = (uint8_t)((header->uuid[8] & 0x3f) | 0x80);
	return 0;
}

static int write_header(const char *device, const uint8_t *page, size_t page_bytes)
{
	LS_CLOSE int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);
	ssize_t put;

	if (fd < 0)
		return -errno;
	put = pwrite(fd, page, page_bytes, 0);
	if (put < 0 || fsync(fd))
		return -errno;
	return (size_t)put == page_bytes ? 0 : -EIO;
}

static int format(const char *device)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	LS_FREE uint8_t *page = calloc(1, page_bytes);
	struct ls_device_info info;
	int err = page ? ls_device_query(device, &info) : -ENOMEM;

	if (!err)
		err = make_header(page, page_bytes, info.bytes);
	return err ? err : write_header(device, page, page_bytes);
}

int ls_swap_on(const char *device, uint32_t priority, struct ls_swap_failure *failure)
{
	int err = format(device);

	if (err)
		return fail(failure, err, "make swap area", device);
	if (swapon(device, SWAP_FLAG_PREFER | (int)priority))
		return fail(failure, -errno, "swapon", device);
	return 0;
}

/* Of one line of /proc/swaps: name, kind, size, used, priority. */
static uint64_t used_kib(const char *line, dev_t device)
{
	char name[256];
	uint64_t kib;
	struct stat st;

	if (sscanf(line, "%255s %*s %*s %" SCNu64, name, &kib) != 2 || stat(name, &st))
		return 0;
	return S_ISBLK(st.st_mode) && st.st_rdev == device ? kib : 0;
}

/* What is swapped out there, in bytes; 0 where nothing is. */
static int read_used(const char *device, uint64_t *ret)
{
	LS_FREE char *text = malloc(LS_SAMPLE_BYTES);
	struct stat st;
	size_t length;
	int err = text ? ls_text_read(SWAPS, 0, text, &length) : -ENOMEM;

	*ret = 0;
	if (err)
		/* Without swap in the kernel there is no such table. */
		return err == -ENOENT ? 0 : err;
	if (stat(device, &st))
		return -errno;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		*ret += used_kib(line, st.st_rdev) * 1024;
	}
	return 0;
}

static int check_room(const char *device, struct ls_swap_failure *failure)
{
	uint64_t used, available;
	int err = read_used(device, &used);

	if (err)
		return fail(failure, err, "read swaps", SWAPS);
	if (!used)
		return 0;
	err = ls_meminfo_available(&available);
	if (err)
		return fail(failure, err, "read MemAvailable", "/proc/meminfo");
	return used > available ? fail(failure, -ENOMEM, "memory for what is swapped out", device)
				: 0;
}

int ls_swap_off(const char *device, struct ls_swap_failure *failure)
{
	int err = check_room(device, failure);

	if (err)
		return err;
	/* EINVAL: it is no swap area. ENOSYS: this kernel has none. */
	if (swapoff(device) && errno != EINVAL && errno != ENOSYS)
		return fail(failure, -errno, "swapoff", device);
	return 0;
}
