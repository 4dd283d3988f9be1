/* SPDX-License-Identifier: Apache-2.0 */
/* Anonymous memory in transparent huge pages, and direct reads into it. */
#include "huge.h"

int load(const char *path, struct model *model)
{
	const size_t huge = huge_bytes();
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = map_aligned(model, room(&source), huge);
	if (!err)
		err = ask_for_huge(model, room(&source), huge);
	if (!err)
		err = read_source(model, &source, model->data, 0, source.bytes);
	model->how = how(&source);
	return err;
}
