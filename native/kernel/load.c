// SPDX-License-Identifier: GPL-2.0-only
/* Allocating and reading, one after the other or at once. */
#include "load.h"

#include <linux/build_bug.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ioprio.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

/* Whose memory and I/O it is that a worker uses: the caller's, who waits for it. */
struct worker_identity {
	const struct cred *cred;
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
};

struct overlapped_load {
	struct fill_load *load;
	struct worker_identity identity;
	struct work_struct work;
};

static struct workqueue_struct *workers;

int fill_workers_create(void)
{
	workers = alloc_workqueue("loadstone_fill", WQ_UNBOUND, 0);
	return workers ? 0 : -ENOMEM;
}

void fill_workers_destroy(void)
{
	destroy_workqueue(workers);
}

/* Tells the reader how much has memory; returns the load's error. */
static int publish(struct fill_load *load)
{
	int error;

	spin_lock_irq(&load->lock);
	load->ready = load->buffer->allocated;
	error = load->error;
	wake_up(&load->progress);
	spin_unlock_irq(&load->lock);
	return error;
}

/* All pages in steps of a batch, each of which may be read into at once. */
static void allocate(struct fill_load *load)
{
	struct fill_buffer *buffer = load->buffer;
	/* What the file fills, and what is cleared behind it, needs no clearing before. */
	gfp_t zero = load->length ? 0 : __GFP_ZERO;
	int error = 0;

	while (!error && buffer->allocated < buffer->size) {
		u64 began = ktime_get_ns();

		error = fill_buffer_allocate(buffer, buffer->allocated + load->batch, zero);
		load->allocate_ns += ktime_get_ns() - began;
		if (error)
			fill_load_fail(load, error);
		else
			error = publish(load);
		if (load->mode == LOADSTONE_FILL_ASYNC)
			fill_load_send(load);
	}
	load->allocated = ktime_get_ns();
}

static void take_identity(struct worker_identity *identity)
{
	identity->cred = get_current_cred();
	identity->memcg = get_mem_cgroup_from_mm(current->mm);
#ifdef CONFIG_BLK_CGROUP
	identity->blkcg = task_get_css(current, io_cgrp_id);
#endif
}

static void put_identity(struct worker_identity *identity)
{
#ifdef CONFIG_BLK_CGROUP
	css_put(identity->blkcg);
#endif
	mem_cgroup_put(identity->memcg);
	put_cred(identity->cred);
}

static void read_in_worker(struct work_struct *work)
{
	struct overlapped_load *overlapped = container_of(work, struct overlapped_load, work);
	const struct cred *cred = override_creds(overlapped->identity.cred);
	struct mem_cgroup *memcg = set_active_memcg(overlapped->identity.memcg);

	kthread_associate_blkcg(overlapped->identity.blkcg);
	fill_load_finish(overlapped->load);
	kthread_associate_blkcg(NULL);
	set_active_memcg(memcg);
	revert_creds(cred);
}

static void run_overlapped(struct fill_load *load)
{
	struct overlapped_load overlapped = { .load = load };

	take_identity(&overlapped.identity);
	INIT_WORK_ONSTACK(&overlapped.work, read_in_worker);
	queue_work(workers, &overlapped.work);
	allocate(load);
	if (wait_event_killable(load->progress, fill_load_has_ended(load)))
		fill_load_fail(load, -EINTR);
	flush_work(&overlapped.work);
	destroy_work_on_stack(&overlapped.work);
	put_identity(&overlapped.identity);
}

static void run(struct fill_load *load)
{
	if (load->length && load->mode == LOADSTONE_FILL_OVERLAPPED) {
		run_overlapped(load);
		return;
	}
	allocate(load);
	if (load->length)
		fill_load_finish(load);
}

/* Since the request began; 0 where it did not happen. */
static u64 moment(u64 at, u64 began)
{
	return at ? at - began : 0;
}

static void report(const struct fill_load *load, u64 began, u64 filled,
		   struct loadstone_fill *fill)
{
	BUILD_BUG_ON(sizeof(fill->chunks) != sizeof(load->buffer->chunks_of_order));
	memcpy(fill->chunks, load->buffer->chunks_of_order, sizeof(fill->chunks));
	fill->queued = load->queued;
	fill->short_reads = load->short_reads;
	fill->allocate_ns = load->allocate_ns;
	fill->allocated_at = moment(load->allocated, began);
	fill->first_sent_at = moment(load->first_sent, began);
	fill->first_read_at = moment(load->first_read, began);
	fill->last_read_at = moment(load->last_read, began);
	fill->wait_ns = filled - load->allocated;
}

int fill_load_run(struct loadstone_fill *fill, struct fill_buffer *buffer, struct file *file,
		  u64 began)
{
	struct fill_load load = {
		.buffer = buffer,
		.file = file,
		.offset = fill->offset,
		.length = fill->length,
		.block = fill->block,
		.batch = min(fill->batch, fill->size),
		.depth = fill->depth,
		.mode = fill->mode,
		.ioprio = get_current_ioprio(),
	};
	int error;

	spin_lock_init(&load.lock);
	init_waitqueue_head(&load.progress);
	error = fill_requests_create(&load);
	if (!error) {
		run(&load);
		error = load.error;
	}
	if (!error) {
		report(&load, began, ktime_get_ns(), fill);
		if (fill->length)
			fill_buffer_clear(buffer, fill->length);
	}
	fill_requests_destroy(&load);
	return error;
}
