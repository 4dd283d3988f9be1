/* SPDX-License-Identifier: Apache-2.0 */
/* Several direct reads in flight without io_uring: a thread each, which take the next block. */
#include "source.h"

#include <pthread.h>

enum { THREADS = 8 };

struct shared {
	char path[32];	/* of the file that is open, whatever has its name by now */
	uint8_t *to;
	size_t bytes;
	size_t next;	/* offset that no thread has taken yet */
};

struct reader {
	pthread_t thread;
	struct shared *shared;
	struct model model;	/* its own, for errors */
	int err;
};

/* A descriptor of its own: leave_direct() of one thread must not meet a read of another. */
static void *read_blocks(void *argument)
{
	struct reader *reader = argument;
	struct shared *shared = reader->shared;
	SOURCE source;

	reader->err = open_source(&reader->model, shared->path, O_DIRECT, &source);
	while (!reader->err) {
		size_t from = __atomic_fetch_add(&shared->next, BLOCK_BYTES, __ATOMIC_RELAXED);
		size_t rest = from < shared->bytes ? shared->bytes - from : 0;

		if (!rest)
			break;
		reader->err = read_source(&reader->model, &source, shared->to + from, from,
					  rest < BLOCK_BYTES ? rest : BLOCK_BYTES);
	}
	reader->model.how = how(&source);
	return NULL;
}

static int run_readers(struct model *model, struct shared *shared)
{
	struct reader readers[THREADS] = { 0 };
	int started = 0, err = 0;

	for (; started < THREADS && !err; started += !err) {
		readers[started].shared = shared;
		err = pthread_create(&readers[started].thread, NULL, read_blocks,
				     &readers[started]);
	}
	/* With some of them it is all read as well. */
	if (!started)
		return fail(model, err, "pthread_create", NULL);
	err = 0;
	model->how = "direct";
	for (int i = 0; i < started; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].err && !err)
			err = fail(model, -readers[i].err, readers[i].model.step,
				   readers[i].model.remedy);
		else if (!readers[i].err && strcmp(readers[i].model.how, "direct"))
			model->how = readers[i].model.how;
	}
	return err;
}

int load(const char *path, struct model *model)
{
	struct shared shared = { 0 };
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = map_memory(model, room(&source), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (err)
		return err;
	snprintf(shared.path, sizeof(shared.path), "/proc/self/fd/%d", source.fd);
	shared.to = model->data;
	shared.bytes = source.bytes;
	return run_readers(model, &shared);
}
