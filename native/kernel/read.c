// SPDX-License-Identifier: GPL-2.0-only
/* Requests to the file system: which is next, sending it, and how it ends. */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "load.h"

int fill_requests_create(struct fill_load *load)
{
	unsigned int i;

	load->requests = kvcalloc(load->depth, sizeof(*load->requests), GFP_KERNEL_ACCOUNT);
	load->busy = bitmap_zalloc(load->depth, GFP_KERNEL_ACCOUNT);
	load->cut_short = bitmap_zalloc(load->depth, GFP_KERNEL_ACCOUNT);
	if (!load->requests || !load->busy || !load->cut_short)
		return -ENOMEM;
	for (i = 0; i < load->depth; i++)
		load->requests[i].load = load;
	return 0;
}

void fill_requests_destroy(struct fill_load *load)
{
	bitmap_free(load->cut_short);
	bitmap_free(load->busy);
	kvfree(load->requests);
}

void fill_load_fail(struct fill_load *load, int error)
{
	spin_lock_irq(&load->lock);
	if (!load->error)
		load->error = error;
	wake_up(&load->progress);
	spin_unlock_irq(&load->lock);
}

static bool has_ended(struct fill_load *load)
{
	return load->error ||
	       (load->next.at >= load->length && bitmap_empty(load->busy, load->depth));
}

bool fill_load_has_ended(struct fill_load *load)
{
	bool ended;

	spin_lock_irq(&load->lock);
	ended = has_ended(load);
	spin_unlock_irq(&load->lock);
	return ended;
}

static bool is_idle(struct fill_load *load)
{
	bool idle;

	/* Under the lock, so that the last completion is through with the load. */
	spin_lock_irq(&load->lock);
	idle = !load->in_flight;
	spin_unlock_irq(&load->lock);
	return idle;
}

/* The rest of a short read, else the next block if its memory is there, or NULL. */
static struct fill_request *take_request(struct fill_load *load)
{
	unsigned int slot = find_first_bit(load->cut_short, load->depth);
	struct fill_request *request;
	size_t length;

	if (slot < load->depth) {
		__clear_bit(slot, load->cut_short);
		return &load->requests[slot];
	}
	slot = find_first_zero_bit(load->busy, load->depth);
	if (slot >= load->depth || load->next.at >= load->length)
		return NULL;
	length = min(load->block, load->buffer->size - load->next.at);
	if (load->ready < load->next.at + length)
		return NULL;
	__set_bit(slot, load->busy);
	request = &load->requests[slot];
	request->cursor = load->next;
	request->length = length;
	fill_cursor_advance(load->buffer, &load->next, length);
	return request;
}

/* What can be sent now, counted as in flight already. */
static struct fill_request *next_request(struct fill_load *load, bool *ended)
{
	struct fill_request *request = NULL;

	spin_lock_irq(&load->lock);
	if (!load->error && fatal_signal_pending(current))
		load->error = -EINTR;
	*ended = has_ended(load);
	if (!*ended)
		request = take_request(load);
	if (request)
		load->in_flight++;
	spin_unlock_irq(&load->lock);
	return request;
}

static int error_of(long result)
{
	switch (result) {
	case 0:
		return -ENODATA;	/* the file ends here */
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	default:
		return result;
	}
}

static void end_request(struct fill_request *request, long result)
{
	struct fill_load *load = request->load;
	unsigned int slot = request - load->requests;
	unsigned long flags;
	size_t needed;

	spin_lock_irqsave(&load->lock, flags);
	needed = min(request->length, load->length - request->cursor.at);
	if (result > 0 && result < needed) {
		fill_cursor_advance(load->buffer, &request->cursor, result);
		request->length -= result;
		__set_bit(slot, load->cut_short);
		load->short_reads++;
	} else {
		if (result <= 0 && !load->error)
			load->error = error_of(result);
		__clear_bit(slot, load->busy);
	}
	load->in_flight--;
	load->last_read = ktime_get_ns();
	if (!load->first_read)
		load->first_read = load->last_read;
	wake_up(&load->progress);
	/* The load may be gone as soon as this lock is. */
	spin_unlock_irqrestore(&load->lock, flags);
}

static void complete_request(struct kiocb *iocb, long result)
{
	end_request(container_of(iocb, struct fill_request, iocb), result);
}

static void send_request(struct fill_request *request)
{
	struct fill_load *load = request->load;
	struct fill_cursor begin = request->cursor, end = begin;
	struct kiocb *iocb = &request->iocb;
	struct iov_iter iter;
	ssize_t result;

	fill_cursor_advance(load->buffer, &end, request->length);
	iov_iter_bvec(&iter, ITER_DEST, &load->buffer->bvecs[begin.chunk],
		      end.chunk - begin.chunk + !!end.skip, begin.skip + request->length);
	iov_iter_advance(&iter, begin.skip);

	init_sync_kiocb(iocb, load->file);
	iocb->ki_pos = load->offset + begin.at;
	iocb->ki_ioprio = load->ioprio;
	iocb->ki_complete = complete_request;
	if (!load->first_sent)
		load->first_sent = ktime_get_ns();
	result = vfs_iocb_iter_read(load->file, iocb, &iter);
	if (result == -EIOCBQUEUED)
		load->queued++;
	else
		end_request(request, result);
}

void fill_load_send(struct fill_load *load)
{
	struct fill_request *request;
	bool ended;

	while ((request = next_request(load, &ended)))
		send_request(request);
}

void fill_load_finish(struct fill_load *load)
{
	struct fill_request *request = NULL;
	bool ended = false;

	do {
		/* A fatal signal ends the wait, and then is the load's error. */
		if (!wait_event_killable(load->progress,
					 (request = next_request(load, &ended)) || ended) &&
		    request)
			send_request(request);
	} while (!ended);
	/* Devices write into the buffer until then. */
	wait_event(load->progress, is_idle(load));
}
