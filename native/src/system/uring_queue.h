/* SPDX-License-Identifier: Apache-2.0 */
/* An io_uring that is kept full of reads, or writes, until its source has no more. */
#ifndef LS_URING_QUEUE_H
#define LS_URING_QUEUE_H

#include <liburing.h>
#include <stdint.h>

#include "loadstone.h"

struct ls_transfer {
	uint8_t *addr;
	uint64_t file_offset;
	uint32_t bytes;		/* of the file: what must arrive */
	uint32_t request_bytes;	/* what is asked for: rounded up for O_DIRECT */
	int32_t buffer;		/* registered buffer of a read, or -1 */
};

/*
 * Where transfers come from. next returns 1 with one, 0 when there are none left, -EAGAIN when
 * the next one isn't ready yet, or another -errno. wait is called with nothing in flight and
 * blocks until next would no longer return -EAGAIN (0 or -errno).
 */
struct ls_transfer_source {
	int (*next)(void *context, struct ls_transfer *ret);
	int (*wait)(void *context);
	/* The first completion, and each; may be NULL. done's time is 0 without a histogram. */
	void (*first)(void *context, int64_t now_ns);
	void (*done)(void *context, const struct ls_transfer *transfer, int64_t now_ns);
	void *context;
};

struct ls_slot {
	struct ls_transfer transfer;
	uint32_t done;
	int64_t submit_ns;
};

enum ls_uring_polling {
	LS_POLL_NONE = 0,
	LS_POLL_SQ = 1,
	LS_POLL_IO = 2,
};

struct ls_uring_options {
	uint32_t depth;
	int fd;
	const char *path;		/* for errors */
	const char *step;		/* what a transfer's error is called */
	int is_write;
	int rw_flags;			/* of every transfer, as of preadv2 */
	uint32_t align_bytes;		/* of O_DIRECT reads; 0: none */
	int registers_file;
	int is_enabled_later;		/* by ls_uring_queue_enable */
	unsigned int polling;		/* enum ls_uring_polling, or-ed */
	struct ls_histogram *histogram;	/* NULL: no clock is read */
};

struct ls_uring_queue {
	struct io_uring ring;
	struct ls_uring_options options;
	struct ls_result *result;	/* NULL: errors are not recorded */
	struct ls_slot *slots;
	uint32_t *free_slots;
	uint32_t *queued;		/* slots filled since the last submit */
	uint32_t free_count;
	uint32_t queued_count;
	int is_first_seen;
	int has_ring;
};

/* Memory only; call before the timed region. */
int ls_uring_queue_reserve(struct ls_uring_queue *uring,
			    const struct ls_uring_options *options, struct ls_result *result);

/*
 * io_uring_setup and the registered file. The thread that calls it is the one that may run it; with
 * is_enabled_later, the one that calls ls_uring_queue_enable.
 */
int ls_uring_queue_open(struct ls_uring_queue *uring);
int ls_uring_queue_enable(struct ls_uring_queue *uring);

/* Registers one buffer for each of iovecs at once. */
int ls_uring_queue_register(struct ls_uring_queue *uring, const struct iovec *iovecs,
			     uint32_t count);

/* Makes room for count buffers that ls_uring_queue_register_one fills. */
int ls_uring_queue_register_room(struct ls_uring_queue *uring, uint32_t count);
int ls_uring_queue_register_one(struct ls_uring_queue *uring, uint32_t buffer,
				 const struct iovec *iovec);

/*
 * Transfers until the source has no more, and may be called again; when it returns, nothing is in
 * flight, also after errors.
 */
int ls_uring_queue_run(struct ls_uring_queue *uring, const struct ls_transfer_source *source);

/* Safe at any point after reserve. */
void ls_uring_queue_deinit(struct ls_uring_queue *uring);

#endif
