// SPDX-License-Identifier: GPL-2.0-only
#include "buffer.h"

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

/* Those of the system heap, so that a device sees the same lists of pages. */
static const unsigned int orders[FILL_ORDERS] = { 8, 4, 0 };

/*
 * Charged to the caller's memory cgroup, as a memfd is. Rather no memory than the OOM killer:
 * it cannot see whose these pages are.
 */
#define PAGE_GFP (GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)
/* A large chunk is taken where there is one, and not made by reclaim or compaction. */
#define CHUNK_GFP ((GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_ACCOUNT | __GFP_NOWARN | \
		    __GFP_NORETRY | __GFP_COMP)

struct fill_buffer *fill_buffer_create(size_t size, bool is_pinnable)
{
	struct fill_buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL_ACCOUNT);

	if (!buffer)
		return NULL;
	/* Never moved: requests in flight refer to it. */
	buffer->bvecs = kvmalloc_array(size >> PAGE_SHIFT, sizeof(*buffer->bvecs),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buffer->bvecs) {
		kfree(buffer);
		return NULL;
	}
	buffer->size = size;
	buffer->is_pinnable = is_pinnable;
	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->attachments);
	return buffer;
}

/* A page that somebody has pinned stays until it is let go. */
void fill_buffer_destroy(struct fill_buffer *buffer)
{
	unsigned int i;

	if (!buffer)
		return;
	for (i = 0; i < buffer->chunks; i++) {
		__free_pages(buffer->bvecs[i].bv_page, get_order(buffer->bvecs[i].bv_len));
		cond_resched();
	}
	kvfree(buffer->bvecs);
	mutex_destroy(&buffer->lock);
	kfree(buffer);
}

/* An order that could not be had once is not tried again. */
static struct page *allocate_chunk(struct fill_buffer *buffer, gfp_t zero)
{
	for (; buffer->order < FILL_ORDERS; buffer->order++) {
		unsigned int order = orders[buffer->order];
		struct page *page;

		if (buffer->size - buffer->allocated < PAGE_SIZE << order)
			continue;
		page = alloc_pages((order ? CHUNK_GFP : PAGE_GFP) | zero, order);
		if (page)
			return page;
	}
	return NULL;
}

int fill_buffer_allocate(struct fill_buffer *buffer, size_t goal, gfp_t zero)
{
	while (buffer->allocated < min(goal, buffer->size)) {
		struct page *page;
		size_t bytes;

		if (fatal_signal_pending(current))
			return -EINTR;
		page = allocate_chunk(buffer, zero);
		if (!page)
			return -ENOMEM;
		bytes = PAGE_SIZE << orders[buffer->order];
		buffer->bvecs[buffer->chunks++] = (struct bio_vec) {
			.bv_page = page,
			.bv_len = bytes,
		};
		buffer->chunks_of_order[buffer->order]++;
		buffer->allocated += bytes;
		cond_resched();
	}
	return 0;
}

static void clear_chunk(const struct bio_vec *bvec, size_t from)
{
	while (from < bvec->bv_len) {
		size_t within = offset_in_page(from);
		size_t bytes = PAGE_SIZE - within;

		memzero_page(bvec->bv_page + (from >> PAGE_SHIFT), within, bytes);
		from += bytes;
	}
}

void fill_buffer_clear(struct fill_buffer *buffer, size_t from)
{
	size_t end = buffer->allocated;
	unsigned int i = buffer->chunks;

	while (end > from) {
		const struct bio_vec *bvec = &buffer->bvecs[--i];

		end -= bvec->bv_len;
		clear_chunk(bvec, from > end ? from - end : 0);
	}
}

void fill_cursor_advance(const struct fill_buffer *buffer, struct fill_cursor *cursor,
			 size_t bytes)
{
	cursor->at += bytes;
	cursor->skip += bytes;
	/* The chunk after the last byte may not be there yet. */
	while (cursor->skip && cursor->skip >= buffer->bvecs[cursor->chunk].bv_len)
		cursor->skip -= buffer->bvecs[cursor->chunk++].bv_len;
}
