/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages, filled by a thread chunk by chunk, while the ring reads into those that are there. */
#include "huge.h"
#include "ring.h"

#include <pthread.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { CHUNK_BYTES = 8 << 20 };

struct memory {
	pthread_mutex_t lock;
	pthread_cond_t grown;
	uint8_t *data;
	size_t bytes;
	size_t populated;	/* from the start on */
	int err;
	int is_stopped;
};

/* Before Linux 5.14 a write to each page does the same. */
static int populate(uint8_t *from, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	while (madvise(from, bytes, MADV_POPULATE_WRITE)) {
		if (errno != EINVAL && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (errno == EINVAL) {
			for (size_t at = 0; at < bytes; at += page)
				*(volatile uint8_t *)(from + at) = 0;
			return 0;
		}
	}
	return 0;
}

static void *populate_all(void *argument)
{
	struct memory *memory = argument;
	int is_over = 0;

	for (size_t at = 0; !is_over; at += CHUNK_BYTES) {
		size_t rest = memory->bytes - at;
		size_t bytes = rest < CHUNK_BYTES ? rest : CHUNK_BYTES;
		int err = populate(memory->data + at, bytes);

		pthread_mutex_lock(&memory->lock);
		memory->err = err;
		memory->populated = at + bytes;
		is_over = err || memory->is_stopped || memory->populated == memory->bytes;
		pthread_cond_signal(&memory->grown);
		pthread_mutex_unlock(&memory->lock);
	}
	return NULL;
}

static int has_memory(void *context, size_t end, int may_wait)
{
	struct memory *memory = context;
	int ret;

	pthread_mutex_lock(&memory->lock);
	while (may_wait && !memory->err && memory->populated < end)
		pthread_cond_wait(&memory->grown, &memory->lock);
	ret = memory->err ? memory->err : memory->populated >= end;
	pthread_mutex_unlock(&memory->lock);
	return ret;
}

static int read_beside(struct ring *ring, struct memory *memory)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, populate_all, memory);

	if (err)
		return fail(ring->model, err, "pthread_create", NULL);
	ring->has_memory = has_memory;
	ring->context = memory;
	err = run_ring(ring);
	pthread_mutex_lock(&memory->lock);
	memory->is_stopped = 1;
	pthread_mutex_unlock(&memory->lock);
	pthread_join(thread, NULL);
	return err ? fail(ring->model, -err, "MADV_POPULATE_WRITE", "free some memory") : 0;
}

int load(const char *path, struct model *model)
{
	const size_t huge = huge_bytes();
	struct memory memory = { .lock = PTHREAD_MUTEX_INITIALIZER,
				 .grown = PTHREAD_COND_INITIALIZER };
	struct ring ring = { 0 };
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = map_aligned(model, room(&source), huge);
	if (!err)
		err = ask_for_huge(model, room(&source), huge);
	if (!err)
		err = open_ring(&ring, model, &source);
	if (err)
		return err;
	memory.data = model->data;
	memory.bytes = round_up(room(&source), huge);
	err = read_beside(&ring, &memory);
	io_uring_queue_exit(&ring.uring);
	model->how = how(&source);
	return err;
}
