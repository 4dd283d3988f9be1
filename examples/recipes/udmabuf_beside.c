/* SPDX-License-Identifier: Apache-2.0 */
/* The same, with the dma-buf made by a thread while the file is read. */
#include "dmabuf.h"

#include <pthread.h>

struct export {
	struct model model;	/* its own, for the dma-buf and errors */
	int memfd;
	int err;
};

static void *export_beside(void *argument)
{
	struct export *export = argument;

	export->err = make_udmabuf(&export->model, export->memfd);
	return NULL;
}

static int read_and_export(struct model *model, struct source *source, int memfd)
{
	struct export export = { .model = *model, .memfd = memfd };
	pthread_t thread;
	int err = pthread_create(&thread, NULL, export_beside, &export);

	if (err)
		return fail(model, err, "pthread_create", NULL);
	err = read_source(model, source, model->data, 0, source->bytes);
	pthread_join(thread, NULL);
	model->dmabuf = export.model.dmabuf;
	if (!err && export.err)
		err = fail(model, -export.err, export.model.step, export.model.remedy);
	return err;
}

int load(const char *path, struct model *model)
{
	CLOSED int memfd = -1;
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = make_memfd(model, room(&source), &memfd);
	if (!err)
		err = read_and_export(model, &source, memfd);
	if (!err)
		err = sync_dmabuf(model, DMA_BUF_SYNC_START);
	if (!err)
		err = sync_dmabuf(model, DMA_BUF_SYNC_END);
	model->how = how(&source);
	return err;
}
