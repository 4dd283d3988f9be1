/* SPDX-License-Identifier: Apache-2.0 */
/* Direct reads into shared memory, of which then a dma-buf is made: nothing is copied. */
#include "dmabuf.h"

int load(const char *path, struct model *model)
{
	CLOSED int memfd = -1;
	SOURCE source;
	int err = open_source(model, path, O_DIRECT, &source);

	if (!err)
		err = make_memfd(model, room(&source), &memfd);
	if (!err)
		err = read_source(model, &source, model->data, 0, source.bytes);
	if (!err)
		err = make_udmabuf(model, memfd);
	if (!err)
		err = sync_dmabuf(model, DMA_BUF_SYNC_START);
	if (!err)
		err = sync_dmabuf(model, DMA_BUF_SYNC_END);
	model->how = how(&source);
	return err;
}
