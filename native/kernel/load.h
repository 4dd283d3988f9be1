/* SPDX-License-Identifier: GPL-2.0-only */
/* One range of a file on its way into a buffer. */
#ifndef FILL_LOAD_H
#define FILL_LOAD_H

#include <linux/fs.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "buffer.h"
#include "loadstone_fill.h"

struct fill_load;

struct fill_request {
	struct kiocb iocb;
	struct fill_load *load;
	struct fill_cursor cursor;	/* of what is still to be read */
	size_t length;
};

struct fill_load {
	/* What is asked for. */
	struct fill_buffer *buffer;
	struct file *file;
	loff_t offset;
	size_t length, block, batch;
	unsigned int depth;
	enum loadstone_fill_mode mode;
	int ioprio;			/* the caller's, also for the worker's requests */

	/* Of whoever sends requests, one thread at a time. */
	struct fill_cursor next;
	u32 queued;
	u64 first_sent;

	/* Of the lock's holder. Completions take it in any context. */
	spinlock_t lock;
	wait_queue_head_t progress;
	size_t ready;			/* bytes that have been allocated */
	unsigned int in_flight;
	unsigned long *busy;		/* requests that have not read all of theirs */
	unsigned long *cut_short;	/* those of them that wait for being sent again */
	struct fill_request *requests;
	u32 short_reads;
	int error;			/* the first */
	u64 first_read, last_read;

	/* Of the caller. */
	u64 allocate_ns, allocated;
};

/* load.c */

/* Fills the buffer, and the results as far as they are known then. Returns -errno or zero. */
int fill_load_run(struct loadstone_fill *fill, struct fill_buffer *buffer, struct file *file,
		  u64 began);
int fill_workers_create(void);
void fill_workers_destroy(void);

/* read.c */

int fill_requests_create(struct fill_load *load);
void fill_requests_destroy(struct fill_load *load);
/* Nothing is sent from then on. The first error counts. */
void fill_load_fail(struct fill_load *load, int error);
/* All has been read, or nothing more will be. */
bool fill_load_has_ended(struct fill_load *load);
/* Sends what has memory as far as the depth allows. */
void fill_load_send(struct fill_load *load);
/* Sends all, and waits for it; after an error, for what is in flight. */
void fill_load_finish(struct fill_load *load);

#endif
