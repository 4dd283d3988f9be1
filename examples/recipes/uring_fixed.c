/* SPDX-License-Identifier: Apache-2.0 */
/* The same with file and memory registered: pinned once, not by each read. */
#include "ring.h"

#include <stdlib.h>

static int register_memory(struct ring *ring)
{
	const struct model *model = ring->model;
	unsigned int count = (unsigned int)((model->map_bytes + BUFFER_BYTES - 1) / BUFFER_BYTES);
	struct iovec *buffers = calloc(count, sizeof(*buffers));
	int err;

	if (!buffers)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++) {
		size_t from = (size_t)i * BUFFER_BYTES, rest = model->map_bytes - from;

		buffers[i].iov_base = model->data + from;
		buffers[i].iov_len = rest < BUFFER_BYTES ? rest : BUFFER_BYTES;
	}
	err = io_uring_register_buffers(&ring->uring, buffers, count);
	free(buffers);
	return err;
}

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
	err = register_memory(&ring);
	if (!err)
		err = io_uring_register_files(&ring.uring, &source.fd, 1);
	/* The limit of locked memory is often 8 MiB: unregistered it is slower, and no less right. */
	ring.is_registered = !err;
	err = run_ring(&ring);
	io_uring_queue_exit(&ring.uring);
	model->how = ring.is_registered ? "direct, registered" : "direct, not registered: see ulimit -l";
	if (source.align == 1)
		model->how = how(&source);
	return err;
}
