/* SPDX-License-Identifier: Apache-2.0 */
/* 32 direct reads in flight, into anonymous memory. */
#include "ring.h"

int load(const char *path, struct model *model)
{
	struct ring ring = { 0 };
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = map_memory(model, room(&source), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!err)
		err = open_ring(&ring, model, &source);
	if (err)
		return err;
	err = run_ring(&ring);
	io_uring_queue_exit(&ring.uring);
	model->how = how(&source);
	return err;
}
