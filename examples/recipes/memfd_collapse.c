/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory, made huge pages by MADV_COLLAPSE, and direct reads into it. */
#include "huge.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Laid over a mapping that begins at a multiple of a huge page. */
static int map_memfd(struct model *model, size_t bytes)
{
	CLOSED int memfd = memfd_create("model", MFD_CLOEXEC);

	if (memfd < 0 || ftruncate(memfd, (off_t)bytes))
		return fail(model, errno, "memfd", NULL);
	if (mmap(model->data, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd, 0) ==
	    MAP_FAILED)
		return fail(model, errno, "mmap memfd", NULL);
	return 0;
}

/* Of nothing no huge page is made: one small page of each is there first. */
static int collapse(struct model *model, size_t bytes, size_t huge)
{
	for (size_t at = 0; at < bytes; at += huge)
		*(volatile uint8_t *)(model->data + at) = 0;
	model->how = "direct, huge pages";
	if (!madvise(model->data, bytes, MADV_COLLAPSE))
		return 0;
	if (errno != EINVAL && errno != ENOMEM && errno != EAGAIN && errno != EBUSY)
		return fail(model, errno, "MADV_COLLAPSE", NULL);
	/* EINVAL: not in this kernel, or shmem_enabled is deny. Else: too little that is in a row. */
	model->how = errno == EINVAL ? "direct, small pages" : "direct, not all huge pages";
	return 0;
}

int load(const char *path, struct model *model)
{
	const size_t huge = huge_bytes();
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = map_aligned(model, room(&source), huge);
	if (!err)
		err = map_memfd(model, round_up(room(&source), huge));
	if (!err)
		err = collapse(model, round_up(room(&source), huge), huge);
	if (!err)
		err = read_source(model, &source, model->data, 0, source.bytes);
	if (!err && source.align == 1)
		model->how = "buffered";
	return err;
}
