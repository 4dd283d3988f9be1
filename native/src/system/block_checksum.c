/* SPDX-License-Identifier: Apache-2.0 */
#include "system/block_checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/size.h"
#include "system/file.h"

int ls_checksums_read(const char *path, uint64_t file_bytes, struct ls_checksums *ret)
{
	LS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = ls_checksums_count(file_bytes) * sizeof(uint32_t);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		return -errno;
	if ((uint64_t)stat.st_size != bytes)
		return -EINVAL;
	ret->crcs = malloc(ls_size(bytes));
	ret->count = ls_checksums_count(file_bytes);
	if (!ret->crcs)
		return -ENOMEM;
	return ls_file_read(fd, ret->crcs, bytes, 0);
}

void ls_checksums_deinit(struct ls_checksums *checksums)
{
	free(checksums->crcs);
	checksums->crcs = NULL;
	checksums->count = 0;
}
