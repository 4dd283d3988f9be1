/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of one dma-buf: chunks of pages, large ones first. */
#ifndef FILL_BUFFER_H
#define FILL_BUFFER_H

#include <linux/bvec.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#define FILL_ORDERS 3

struct fill_buffer {
	size_t size;
	size_t allocated;
	bool is_pinnable;
	unsigned int order;		/* index of the largest order that may still be had */
	u32 chunks_of_order[FILL_ORDERS];
	unsigned int chunks;
	struct bio_vec *bvecs;		/* one per chunk, with room for single pages */
	struct mutex lock;		/* of the list, and of what is in it */
	struct list_head attachments;
};

/* A position in the buffer. */
struct fill_cursor {
	size_t at;
	unsigned int chunk;
	size_t skip;			/* bytes of that chunk before it */
};

struct fill_buffer *fill_buffer_create(size_t size, bool is_pinnable);
void fill_buffer_destroy(struct fill_buffer *buffer);

/*
 * Allocates until there are at least goal bytes, or all.
 * Returns -ENOMEM, -EINTR after a fatal signal, or zero.
 */
int fill_buffer_allocate(struct fill_buffer *buffer, size_t goal, gfp_t zero);

/* Clears all from a position to the end. */
void fill_buffer_clear(struct fill_buffer *buffer, size_t from);

/* No further than what is allocated. */
void fill_cursor_advance(const struct fill_buffer *buffer, struct fill_cursor *cursor,
			 size_t bytes);

/* dmabuf.c: the dma-buf owns the buffer unless this fails. */
struct dma_buf *fill_buffer_export(struct fill_buffer *buffer);

#endif
