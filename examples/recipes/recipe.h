/* SPDX-License-Identifier: Apache-2.0 */
/* What all recipes share: the model in memory, how an error is told, and main(). */
#ifndef RECIPE_H
#define RECIPE_H

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct model {
	uint8_t *data;		/* the file's bytes, */
	size_t bytes;		/* so many of them, */
	void *map;		/* within this mapping */
	size_t map_bytes;
	int dmabuf;		/* of the same memory, or -1 */
	const char *how;	/* it was read */
	const char *step;	/* that failed, and what to do about it */
	const char *remedy;
};

/* Returns 0, or -errno with step and remedy set. After either, unload() gives back what is there. */
int load(const char *path, struct model *model);

static inline void unload(struct model *model)
{
	if (model->map)
		munmap(model->map, model->map_bytes);
	if (model->dmabuf >= 0)
		close(model->dmabuf);
}

/* Returns -code. Keeps the first failure: what comes after it only follows from it. */
static inline int fail(struct model *model, int code, const char *step, const char *remedy)
{
	if (!model->step) {
		model->step = step;
		model->remedy = remedy;
	}
	return -code;
}

static inline size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static inline void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define CLOSED __attribute__((cleanup(close_fd)))

/* Room for bytes, which begin at a page. */
static inline int map_memory(struct model *model, size_t bytes, int flags, int fd)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (map == MAP_FAILED)
		return fail(model, errno, "mmap", model->remedy);
	model->map = model->data = map;
	model->map_bytes = bytes;
	return 0;
}

/* Written from the dma-buf, where there is one: what a device would see. */
static inline int write_copy(const struct model *model, const char *path)
{
	CLOSED int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	const uint8_t *from = model->data;

	if (fd >= 0 && model->dmabuf >= 0)
		from = mmap(NULL, model->bytes, PROT_READ, MAP_SHARED, model->dmabuf, 0);
	if (fd < 0 || from == MAP_FAILED)
		return -errno;
	for (size_t done = 0; done < model->bytes;) {
		ssize_t put = write(fd, from + done, model->bytes - done);

		if (put < 0 && errno != EINTR)
			return -errno;
		done += put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static inline void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

/* The two lines are what `loadstone run command --set ready=said` waits for. */
int main(int argc, char **argv)
{
	struct model model = { .dmabuf = -1 };
	int err;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s FILE [COPY]\n", argv[0]);
		return 2;
	}
	say("loadstone: loading");
	err = load(argv[1], &model);
	if (!err) {
		say("loadstone: ready");
		printf("%zu bytes, %s\n", model.bytes, model.how);
		err = argc == 3 ? write_copy(&model, argv[2]) : 0;
		if (err)
			fail(&model, -err, "write copy", NULL);
	}
	unload(&model);
	if (err)
		fprintf(stderr, "%s: %s: %s%s%s\n", argv[1], model.step, strerror(-err),
			model.remedy ? ": " : "", model.remedy ? model.remedy : "");
	return err ? 1 : 0;
}

#endif
