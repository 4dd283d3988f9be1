/* SPDX-License-Identifier: Apache-2.0 */
#include "system/mm_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
	PATH_BYTES = 64,
	TEXT_BYTES = 256,
	FIELDS = 5,		/* of those that are read */
};

int ls_mm_stat_open(uint32_t major, uint32_t minor, int *ret)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/mm_stat", major, minor);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

int ls_mm_stat_read(int fd, struct ls_mm_stat *ret)
{
	char text[TEXT_BYTES];
	ssize_t got;

	do {
		got = pread(fd, text, sizeof(text) - 1, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	text[got] = '\0';
	if (sscanf(text,
		   "%" SCNd64 "%" SCNd64 "%" SCNd64 "%*u%*u%" SCNd64 "%*u%" SCNd64,
		   &ret->original_bytes, &ret->compressed_bytes, &ret->memory_bytes,
		   &ret->same_pages, &ret->huge_pages) != FIELDS)
		return -EPROTO;
	return 0;
}

struct ls_mm_stat ls_mm_stat_difference(const struct ls_mm_stat *before,
					const struct ls_mm_stat *after)
{
	return (struct ls_mm_stat){
		.original_bytes = after->original_bytes - before->original_bytes,
		.compressed_bytes = after->compressed_bytes - before->compressed_bytes,
		.memory_bytes = after->memory_bytes - before->memory_bytes,
		.same_pages = after->same_pages - before->same_pages,
		.huge_pages = after->huge_pages - before->huge_pages,
	};
}
