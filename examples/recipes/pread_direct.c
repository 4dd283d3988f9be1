/* SPDX-License-Identifier: Apache-2.0 */
/* One read after another around the page cache, into anonymous memory. */
#include "source.h"

int load(const char *path, struct model *model)
{
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = map_memory(model, room(&source), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!err)
		err = read_source(model, &source, model->data, 0, source.bytes);
	model->how = how(&source);
	return err;
}
