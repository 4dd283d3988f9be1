/* SPDX-License-Identifier: Apache-2.0 */
/* An io_uring that is kept full of reads until its source has no more. */
#ifndef LS_URING_READER_H
#define LS_URING_READER_H

#include <liburing.h>
#include <stdint.h>

#include "loadstone.h"

struct ls_read {
	uint8_t *addr;
	uint64_t file_offset;
	uint32_t bytes;		/* of the file: what must arrive */
	uint32_t request_bytes;	/* what is asked for: rounded up for O_DIRECT */
	int32_t buffer;		/* registered buffer, or -1 */
};

/*
 * Where reads come from. next returns 1 with a read, 0 when there are none left, -EAGAIN when
 * the next one isn't ready yet, or another -errno. wait is called with nothing in flight and
 * blocks until next would no longer return -EAGAIN (0 or -errno).
 */
struct ls_read_source {
	int (*next)(void *context, struct ls_read *ret);
	int (*wait)(void *context);
	void (*first)(void *context, int64_t now_ns);	/* the first completion; may be NULL */
	void *context;
};

struct ls_slot {
	struct ls_read read;
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
	int is_direct;
	int rw_flags;			/* of every read, as of preadv2 */
	uint32_t align_bytes;		/* of O_DIRECT; 0: none */
	int registers_file;
	unsigned int polling;		/* enum ls_uring_polling, or-ed */
	struct ls_histogram *histogram;	/* NULL: no clock is read */
};

struct ls_uring_reader {
	struct io_uring ring;
	struct ls_uring_options options;
	struct ls_result *result;
	struct ls_slot *slots;
	uint32_t *free_slots;
	uint32_t *queued;		/* slots filled since the last submit */
	uint32_t free_count;
	uint32_t queued_count;
	int is_first_seen;
	int has_ring;
};

/* Memory only; call before the timed region. */
int ls_uring_reader_reserve(struct ls_uring_reader *uring,
			    const struct ls_uring_options *options, struct ls_result *result);

/* io_uring_setup and the registered file. */
int ls_uring_reader_open(struct ls_uring_reader *uring);

/* Registers one buffer for each of iovecs at once. */
int ls_uring_reader_register(struct ls_uring_reader *uring, const struct iovec *iovecs,
			     uint32_t count);

/* Makes room for count buffers that ls_uring_reader_register_one fills. */
int ls_uring_reader_register_room(struct ls_uring_reader *uring, uint32_t count);
int ls_uring_reader_register_one(struct ls_uring_reader *uring, uint32_t buffer,
				 const struct iovec *iovec);

/* Reads until the source has no more; when it returns, no read is in flight, also after errors. */
int ls_uring_reader_run(struct ls_uring_reader *uring, const struct ls_read_source *source);

/* Safe at any point after reserve. */
void ls_uring_reader_deinit(struct ls_uring_reader *uring);

#endif
