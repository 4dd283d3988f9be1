/* SPDX-License-Identifier: Apache-2.0 */
/* Map the file and copy out of the mapping: what many loaders do. */
#include "source.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/*
 * Page by page, as memcpy promises no order: one that copies from the end of a block upwards
 * meets pages that read-ahead has not brought. Beyond the end of a file that shrank it is a SIGBUS.
 */
static void copy(uint8_t *to, const uint8_t *from, size_t bytes, size_t page)
{
	for (size_t at = 0; at < bytes; at += page)
		memcpy(to + at, from + at, bytes - at < page ? bytes - at : page);
}

static int copy_all(struct model *model, uint8_t *file)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < model->bytes; at += BLOCK_BYTES) {
		size_t rest = model->bytes - at;
		size_t bytes = rest < BLOCK_BYTES ? rest : BLOCK_BYTES;

		/* Before Linux 5.14 there is none, and copying does what it does. */
		while (madvise(file + at, bytes, MADV_POPULATE_READ) && errno != EINVAL)
			if (errno != EINTR && errno != EAGAIN)
				return fail(model, errno, "MADV_POPULATE_READ",
					    "the file shrank, or its device failed: see dmesg");
		copy(model->data + at, file + at, bytes, page);
	}
	return 0;
}

int load(const char *path, struct model *model)
{
	SOURCE source;
	int err = open_source(model, path, 0, &source);
	uint8_t *file;

	if (!err)
		err = map_memory(model, room(&source), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (err)
		return err;
	file = mmap(NULL, source.bytes, PROT_READ, MAP_PRIVATE, source.fd, 0);
	if (file == MAP_FAILED)
		return fail(model, errno, "mmap", NULL);
	err = copy_all(model, file);
	munmap(file, source.bytes);
	model->how = "mapped and copied";
	return err;
}
