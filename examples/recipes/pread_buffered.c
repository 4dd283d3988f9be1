/* SPDX-License-Identifier: Apache-2.0 */
/* One read after another through the page cache, into anonymous memory. */
#include "source.h"

int load(const char *path, struct model *model)
{
	SOURCE source;
	int err = open_source(model, path, 0, &source);

	if (err)
		return err;
	/* Twice the read-ahead. It is advice: where it is not taken the read is right all the same. */
	(void)posix_fadvise(source.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	err = map_memory(model, room(&source), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	model->how = how(&source);
	return err ? err : read_source(model, &source, model->data, 0, source.bytes);
}
