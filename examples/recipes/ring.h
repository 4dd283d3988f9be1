/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of io_uring that is kept full of reads until the file is in memory. */
#ifndef RING_H
#define RING_H

#include "source.h"

#include <liburing.h>

enum {
	DEPTH = 32,
	RING_BLOCK_BYTES = 512 << 10,
	BUFFER_BYTES = 1 << 30,		/* the most that one registered buffer may have */
};

struct slot {
	size_t from, bytes;	/* still to be read; 0 bytes: free */
	size_t align;		/* of the read in flight */
};

struct ring {
	struct io_uring uring;
	struct model *model;
	struct source *source;
	int is_registered;	/* file 0, and memory in buffers of BUFFER_BYTES */
	/* Whether memory is there up to end. 1 yes, 0 not yet, or -errno. NULL: all of it is. */
	int (*has_memory)(void *context, size_t end, int may_wait);
	void *context;
	struct slot slots[DEPTH];
	unsigned int in_flight;
	size_t next;		/* offset that no slot has taken yet */
	int err;
};

static inline int open_ring(struct ring *ring, struct model *model, struct source *source)
{
	int err = io_uring_queue_init(DEPTH, &ring->uring, 0);

	ring->model = model;
	ring->source = source;
	return err ? fail(model, -err, "io_uring_setup",
			  "it may be forbidden (kernel.io_uring_disabled, seccomp, SELinux) or "
			  "absent: pread_threads needs none")
		   : 0;
}

/* There is always an entry: a slot has at most one read in flight, and the ring as many as slots. */
static inline void queue(struct ring *ring, struct slot *slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	unsigned int bytes = (unsigned int)round_up(slot->bytes, ring->source->align);
	uint8_t *to = ring->model->data + slot->from;

	if (ring->is_registered) {
		io_uring_prep_read_fixed(sqe, 0, to, bytes, slot->from,
					 (int)(slot->from / BUFFER_BYTES));
		sqe->flags |= IOSQE_FIXED_FILE;
	} else {
		io_uring_prep_read(sqe, ring->source->fd, to, bytes, slot->from);
	}
	io_uring_sqe_set_data(sqe, slot);
	slot->align = ring->source->align;
	ring->in_flight++;
}

/* Only where nothing is in flight is memory waited for: else a read ends meanwhile. */
static inline int take(struct ring *ring, struct slot *slot)
{
	size_t rest = ring->source->bytes - ring->next;
	size_t bytes = rest < RING_BLOCK_BYTES ? rest : RING_BLOCK_BYTES;
	int is_there = 1;

	if (ring->err || !bytes)
		return 0;
	if (ring->has_memory)
		is_there = ring->has_memory(ring->context, ring->next + bytes, !ring->in_flight);
	if (is_there < 0)
		ring->err = is_there;
	if (is_there <= 0)
		return 0;
	slot->from = ring->next;
	slot->bytes = bytes;
	ring->next += bytes;
	return 1;
}

/* A short read is gone on with, and one that is refused is repeated through the page cache. */
static inline void complete(struct ring *ring, struct slot *slot, int got)
{
	ring->in_flight--;
	if (got == -EINVAL && slot->align > 1 && (ring->source->align == 1 ||
						  !leave_direct(ring->source)))
		got = -EAGAIN;
	if (got == 0)
		ring->err = fail(ring->model, ENODATA, "read", "the file shrank: keep it still");
	else if (got < 0 && got != -EINTR && got != -EAGAIN)
		ring->err = fail(ring->model, -got, "read", NULL);
	if (got > 0) {
		slot->bytes -= (size_t)got < slot->bytes ? (size_t)got : slot->bytes;
		slot->from += (size_t)got;
		if (slot->bytes && slot->from % ring->source->align && leave_direct(ring->source))
			ring->err = fail(ring->model, errno, "F_SETFL", NULL);
	}
	if (ring->err)
		slot->bytes = 0;
	if (slot->bytes)
		queue(ring, slot);
}

static inline int reap(struct ring *ring)
{
	int err = io_uring_submit_and_wait(&ring->uring, 1);
	struct io_uring_cqe *cqe;

	/* Busy: with completions that are fetched now. */
	if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
		return fail(ring->model, -err, "io_uring_enter", NULL);
	while (!io_uring_peek_cqe(&ring->uring, &cqe)) {
		struct slot *slot = io_uring_cqe_get_data(cqe);
		int got = cqe->res;

		io_uring_cqe_seen(&ring->uring, cqe);
		complete(ring, slot, got);
	}
	return 0;
}

/* After an error too it waits for what is in flight: the kernel may still write to that memory. */
static inline int run_ring(struct ring *ring)
{
	int err = 0;

	while (!err && (ring->in_flight || (!ring->err && ring->next < ring->source->bytes))) {
		for (int i = 0; i < DEPTH; i++)
			if (!ring->slots[i].bytes && take(ring, &ring->slots[i]))
				queue(ring, &ring->slots[i]);
		if (ring->in_flight)
			err = reap(ring);
	}
	return err ? err : ring->err;
}

#endif
