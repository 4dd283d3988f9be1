/* SPDX-License-Identifier: Apache-2.0 */
/* The file's own pages, mapped and read in. */
#include "source.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Before Linux 5.14. Beyond the end of a file that shrinks meanwhile this is a SIGBUS. */
static void touch(const struct model *model)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < model->bytes; at += page)
		(void)*(volatile const uint8_t *)(model->data + at);
}

int load(const char *path, struct model *model)
{
	SOURCE source;
	int err = open_source(model, path, 0, &source);
	void *map;

	if (err)
		return err;
	map = mmap(NULL, source.bytes, PROT_READ, MAP_PRIVATE, source.fd, 0);
	if (map == MAP_FAILED)
		return fail(model, errno, "mmap", NULL);
	model->map = model->data = map;
	model->map_bytes = source.bytes;
	model->how = "mapped";
	do
		err = madvise(map, source.bytes, MADV_POPULATE_READ) ? errno : 0;
	while (err == EINTR || err == EAGAIN);
	if (err == EINVAL)
		touch(model);
	else if (err)
		return fail(model, err, "MADV_POPULATE_READ",
			    "the file shrank, or its device failed: see dmesg");
	return 0;
}
