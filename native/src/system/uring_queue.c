/* SPDX-License-Identifier: Apache-2.0 */
#include "system/uring_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "system/clock.h"
#include "system/file.h"

#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

enum { SQPOLL_IDLE_MS = 2000 };

static int fail(struct ls_uring_queue *uring, int code, const char *step, int64_t offset)
{
	if (!uring->result)
		return code;
	return ls_result_fail(uring->result, code, step, uring->options.path, offset);
}

int ls_uring_queue_reserve(struct ls_uring_queue *uring,
			    const struct ls_uring_options *options, struct ls_result *result)
{
	memset(uring, 0, sizeof(*uring));
	uring->options = *options;
	uring->result = result;
	if (!uring->options.align_bytes)
		uring->options.align_bytes = 1;
	uring->slots = calloc(options->depth, sizeof(*uring->slots));
	uring->free_slots = calloc(options->depth, sizeof(*uring->free_slots));
	uring->queued = calloc(options->depth, sizeof(*uring->queued));
	if (!uring->slots || !uring->free_slots || !uring->queued)
		return fail(uring, -ENOMEM, "reserve io_uring slots", -1);
	for (uint32_t i = 0; i < options->depth; i++)
		uring->free_slots[i] = options->depth - 1 - i;
	uring->free_count = options->depth;
	return 0;
}

/*
 * The kernel tears a closed ring down later, on a thread of its own: buffers that
 * are still registered then would stay pinned and locked into the next trial.
 */
void ls_uring_queue_deinit(struct ls_uring_queue *uring)
{
	if (uring->has_ring) {
		io_uring_unregister_buffers(&uring->ring);
		io_uring_queue_exit(&uring->ring);
	}
	uring->has_ring = 0;
	free(uring->slots);
	free(uring->free_slots);
	free(uring->queued);
	uring->slots = NULL;
	uring->free_slots = uring->queued = NULL;
}

/*
 * One thread submits and reaps, so completions can wait for it; kernels before
 * 6.1 do not know these flags and say EINVAL.
 */
static int setup(struct ls_uring_queue *uring)
{
	static const unsigned int flag_sets[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0,
	};
	unsigned int base = 0;
	int err = 0;

	if (uring->options.polling & LS_POLL_SQ)
		base |= IORING_SETUP_SQPOLL;
	if (uring->options.polling & LS_POLL_IO)
		base |= IORING_SETUP_IOPOLL;
	if (uring->options.is_enabled_later)
		base |= IORING_SETUP_R_DISABLED;
	for (size_t i = 0; i < sizeof(flag_sets) / sizeof(*flag_sets); i++) {
		struct io_uring_params params = { .sq_thread_idle = SQPOLL_IDLE_MS };

		if (flag_sets[i] && (base & IORING_SETUP_SQPOLL))
			continue;
		params.flags = base | flag_sets[i];
		err = io_uring_queue_init_params(uring->options.depth, &uring->ring, &params);
		if (err != -EINVAL)
			break;
	}
	uring->has_ring = !err;
	return err;
}

int ls_uring_queue_open(struct ls_uring_queue *uring)
{
	int err = setup(uring);

	if (err)
		return fail(uring, err, "io_uring_setup", -1);
	if (!(uring->options.polling & LS_POLL_SQ) && !uring->options.is_enabled_later)
		io_uring_register_ring_fd(&uring->ring);
	if (!uring->options.registers_file)
		return 0;
	err = io_uring_register_files(&uring->ring, &uring->options.fd, 1);
	return err < 0 ? fail(uring, err, "io_uring register file", -1) : 0;
}

int ls_uring_queue_enable(struct ls_uring_queue *uring)
{
	int err = io_uring_enable_rings(&uring->ring);

	return err < 0 ? fail(uring, err, "io_uring enable", -1) : 0;
}

int ls_uring_queue_register(struct ls_uring_queue *uring, const struct iovec *iovecs,
			     uint32_t count)
{
	int err = io_uring_register_buffers(&uring->ring, iovecs, count);

	return err < 0 ? fail(uring, err, "io_uring register buffers", -1) : 0;
}

int ls_uring_queue_register_room(struct ls_uring_queue *uring, uint32_t count)
{
	int err = io_uring_register_buffers_sparse(&uring->ring, count);

	return err < 0 ? fail(uring, err, "io_uring register buffers", -1) : 0;
}

int ls_uring_queue_register_one(struct ls_uring_queue *uring, uint32_t buffer,
				 const struct iovec *iovec)
{
	uint64_t tag = 0;
	int err = io_uring_register_buffers_update_tag(&uring->ring, buffer, iovec,
						       (__u64 *)&tag, 1);

	return err < 0 ? fail(uring, err, "io_uring register buffers", -1) : 0;
}

/*
 * There is an entry for every slot, but a kernel thread that polls (SQPOLL) may
 * complete a read before it gives the read's entry back.
 */
static struct io_uring_sqe *get_entry(struct ls_uring_queue *uring)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&uring->ring)))
		io_uring_sqring_wait(&uring->ring);
	return sqe;
}

static void queue_transfer(struct ls_uring_queue *uring, uint32_t position)
{
	struct io_uring_sqe *sqe = get_entry(uring);
	struct ls_slot *slot = &uring->slots[position];
	const struct ls_transfer *transfer = &slot->transfer;
	int fd = uring->options.registers_file ? 0 : uring->options.fd;
	uint64_t offset = transfer->file_offset + slot->done;
	uint32_t bytes = transfer->request_bytes - slot->done;
	uint8_t *addr = transfer->addr + slot->done;

	if (uring->options.is_write)
		io_uring_prep_write(sqe, fd, addr, bytes, offset);
	else if (transfer->buffer >= 0)
		io_uring_prep_read_fixed(sqe, fd, addr, bytes, offset, transfer->buffer);
	else
		io_uring_prep_read(sqe, fd, addr, bytes, offset);
	if (uring->options.registers_file)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->rw_flags = uring->options.rw_flags;
	sqe->user_data = position;
}

/* Returns what next returned last: 1 when the ring is full. */
static int fill(struct ls_uring_queue *uring, const struct ls_transfer_source *source)
{
	int more = 1;

	while (uring->free_count) {
		uint32_t position = uring->free_slots[uring->free_count - 1];

		more = source->next(source->context, &uring->slots[position].transfer);
		if (more <= 0)
			break;
		uring->free_count--;
		uring->slots[position].done = 0;
		uring->queued[uring->queued_count++] = position;
		queue_transfer(uring, position);
	}
	return more;
}

static void set_submit_times(struct ls_uring_queue *uring)
{
	int64_t now_ns = uring->options.histogram && uring->queued_count ? ls_clock_now() : 0;

	for (uint32_t i = 0; i < uring->queued_count; i++)
		uring->slots[uring->queued[i]].submit_ns = now_ns;
	uring->queued_count = 0;
}

/* What the error of a transfer means; a write that wrote nothing would be tried for ever. */
static int transfer_error(const struct ls_uring_queue *uring, const struct ls_slot *slot, int res)
{
	if (uring->options.is_write)
		return res ? res : -EIO;
	return ls_file_read_error(res ? res : -ENODATA, slot->done, uring->options.align_bytes);
}

/*
 * Handles the result of one slot: 1 when all of its bytes are there, 0 when the rest must
 * be requested, or -errno.
 */
static int account(struct ls_uring_queue *uring, struct ls_slot *slot, int res)
{
	int64_t offset = (int64_t)(slot->transfer.file_offset + slot->done);

	if (res == -EINTR || res == -EAGAIN)
		return 0;
	if (res <= 0) {
		res = transfer_error(uring, slot, res);
		return fail(uring, res, res == -ENODATA ? "read" : uring->options.step, offset);
	}
	slot->done += (uint32_t)res;
	return slot->done >= slot->transfer.bytes;
}

static void free_slot(struct ls_uring_queue *uring, uint32_t position)
{
	uring->free_slots[uring->free_count++] = position;
}

static int complete(struct ls_uring_queue *uring, const struct ls_transfer_source *source,
		    const struct io_uring_cqe *cqe, int64_t now_ns)
{
	uint32_t position = (uint32_t)cqe->user_data;
	struct ls_slot *slot = &uring->slots[position];
	int is_done = account(uring, slot, cqe->res);

	if (!is_done) {
		queue_transfer(uring, position);
		return 0;
	}
	if (is_done > 0 && uring->options.histogram)
		ls_histogram_record(uring->options.histogram, (uint64_t)(now_ns - slot->submit_ns));
	if (is_done > 0 && source->done)
		source->done(source->context, &slot->transfer, now_ns);
	free_slot(uring, position);
	return is_done < 0 ? is_done : 0;
}

static int reap(struct ls_uring_queue *uring, const struct ls_transfer_source *source)
{
	int64_t now_ns = uring->options.histogram || !uring->is_first_seen ? ls_clock_now() : 0;
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int err = 0;

	io_uring_for_each_cqe(&uring->ring, head, cqe) {
		if (!err)
			err = complete(uring, source, cqe, now_ns);
		else
			free_slot(uring, (uint32_t)cqe->user_data);
		seen++;
	}
	io_uring_cq_advance(&uring->ring, seen);
	if (seen && !uring->is_first_seen && source->first)
		source->first(source->context, now_ns);
	uring->is_first_seen |= seen > 0;
	return err;
}

static uint32_t busy_slots(const struct ls_uring_queue *uring)
{
	return uring->options.depth - uring->free_count;
}

/* A polling kernel thread takes entries at any time: all of them count as in flight. */
static int has_transfers_in_flight(const struct ls_uring_queue *uring)
{
	if (uring->options.polling & LS_POLL_SQ)
		return busy_slots(uring) > 0;
	return busy_slots(uring) > io_uring_sq_ready(&uring->ring);
}

/* Submits what is queued and handles what has completed. */
static int submit_and_reap(struct ls_uring_queue *uring, const struct ls_transfer_source *source)
{
	int err;

	set_submit_times(uring);
	err = io_uring_submit_and_wait(&uring->ring, 1);
	/* What the kernel has no room for now, it has when a transfer in flight has ended. */
	if ((err == -EAGAIN || err == -EBUSY) && has_transfers_in_flight(uring))
		err = 0;
	if (err < 0 && err != -EINTR)
		return fail(uring, err, "io_uring_enter", -1);
	return reap(uring, source);
}

/* After a failure: transfers in flight use memory that is about to be unmapped. */
static void drain(struct ls_uring_queue *uring)
{
	struct io_uring_cqe *cqe;

	if (uring->options.polling & LS_POLL_SQ)
		io_uring_submit(&uring->ring);
	while (has_transfers_in_flight(uring)) {
		int err = io_uring_wait_cqe(&uring->ring, &cqe);

		if (err == -EINTR)
			continue;
		if (err)
			return;
		free_slot(uring, (uint32_t)cqe->user_data);
		io_uring_cqe_seen(&uring->ring, cqe);
	}
}

int ls_uring_queue_run(struct ls_uring_queue *uring, const struct ls_transfer_source *source)
{
	int more = 1, err = 0;

	while (!err) {
		if (more)
			more = fill(uring, source);
		if (more < 0 && more != -EAGAIN)
			err = more;
		else if (busy_slots(uring))
			err = submit_and_reap(uring, source);
		else if (more)
			err = source->wait(source->context);
		else
			return 0;
	}
	drain(uring);
	return err;
}
