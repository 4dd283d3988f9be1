/* SPDX-License-Identifier: Apache-2.0 */
#include "load/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "system/file.h"

#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

enum { SQPOLL_IDLE_MS = 2000 };

static int fail(struct ls_pump *pump, int code, const char *step, int64_t offset)
{
	return ls_result_fail(pump->result, code, step, pump->options.path, offset);
}

int ls_pump_reserve(struct ls_pump *pump, const struct ls_pump_options *options,
		    struct ls_result *result)
{
	memset(pump, 0, sizeof(*pump));
	pump->options = *options;
	pump->result = result;
	if (!pump->options.align_bytes)
		pump->options.align_bytes = 1;
	pump->slots = calloc(options->depth, sizeof(*pump->slots));
	pump->free_slots = calloc(options->depth, sizeof(*pump->free_slots));
	pump->queued = calloc(options->depth, sizeof(*pump->queued));
	if (!pump->slots || !pump->free_slots || !pump->queued)
		return fail(pump, -ENOMEM, "reserve io_uring slots", -1);
	for (uint32_t i = 0; i < options->depth; i++)
		pump->free_slots[i] = options->depth - 1 - i;
	pump->free_count = options->depth;
	return 0;
}

/*
 * The kernel tears a closed ring down later, on a thread of its own: buffers that
 * are still registered then would stay pinned and locked into the next trial.
 */
void ls_pump_deinit(struct ls_pump *pump)
{
	if (pump->has_ring) {
		io_uring_unregister_buffers(&pump->ring);
		io_uring_queue_exit(&pump->ring);
	}
	pump->has_ring = 0;
	free(pump->slots);
	free(pump->free_slots);
	free(pump->queued);
	pump->slots = NULL;
	pump->free_slots = pump->queued = NULL;
}

/*
 * One thread submits and reaps, so completions can wait for it; kernels before
 * 6.1 know these flags not and say EINVAL.
 */
static int setup(struct ls_pump *pump)
{
	static const unsigned int wishes[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0,
	};
	unsigned int base = 0;
	int err = 0;

	if (pump->options.polling & LS_POLL_SQ)
		base |= IORING_SETUP_SQPOLL;
	if (pump->options.polling & LS_POLL_IO)
		base |= IORING_SETUP_IOPOLL;
	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++) {
		struct io_uring_params params = { .sq_thread_idle = SQPOLL_IDLE_MS };

		if (wishes[i] && (base & IORING_SETUP_SQPOLL))
			continue;
		params.flags = base | wishes[i];
		err = io_uring_queue_init_params(pump->options.depth, &pump->ring, &params);
		if (err != -EINVAL)
			break;
	}
	pump->has_ring = !err;
	return err;
}

int ls_pump_open(struct ls_pump *pump)
{
	int err = setup(pump);

	if (err)
		return fail(pump, err, "io_uring_setup", -1);
	if (!(pump->options.polling & LS_POLL_SQ))
		io_uring_register_ring_fd(&pump->ring);
	if (!pump->options.registers_file)
		return 0;
	err = io_uring_register_files(&pump->ring, &pump->options.fd, 1);
	return err < 0 ? fail(pump, err, "io_uring register file", -1) : 0;
}

int ls_pump_register(struct ls_pump *pump, const struct iovec *iovecs, uint32_t count)
{
	int err = io_uring_register_buffers(&pump->ring, iovecs, count);

	return err < 0 ? fail(pump, err, "io_uring register buffers", -1) : 0;
}

int ls_pump_register_room(struct ls_pump *pump, uint32_t count)
{
	int err = io_uring_register_buffers_sparse(&pump->ring, count);

	return err < 0 ? fail(pump, err, "io_uring register buffers", -1) : 0;
}

int ls_pump_register_one(struct ls_pump *pump, uint32_t buffer, const struct iovec *iovec)
{
	uint64_t tag = 0;
	int err = io_uring_register_buffers_update_tag(&pump->ring, buffer, iovec,
						       (__u64 *)&tag, 1);

	return err < 0 ? fail(pump, err, "io_uring register buffers", -1) : 0;
}

/*
 * There is an entry for every slot, but a kernel thread that polls (SQPOLL) may
 * complete a read before it gives the read's entry back.
 */
static struct io_uring_sqe *take_entry(struct ls_pump *pump)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&pump->ring)))
		io_uring_sqring_wait(&pump->ring);
	return sqe;
}

static void put(struct ls_pump *pump, uint32_t position)
{
	struct io_uring_sqe *sqe = take_entry(pump);
	struct ls_slot *slot = &pump->slots[position];
	const struct ls_read *read = &slot->read;
	int fd = pump->options.registers_file ? 0 : pump->options.fd;
	uint64_t offset = read->file_offset + slot->done;
	uint32_t bytes = read->request_bytes - slot->done;

	if (read->buffer >= 0)
		io_uring_prep_read_fixed(sqe, fd, read->addr + slot->done, bytes, offset,
					 read->buffer);
	else
		io_uring_prep_read(sqe, fd, read->addr + slot->done, bytes, offset);
	if (pump->options.registers_file)
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = position;
}

/* Returns what the source said last: 1 when the ring is full. */
static int fill(struct ls_pump *pump, const struct ls_read_source *source)
{
	int more = 1;

	while (pump->free_count) {
		uint32_t position = pump->free_slots[pump->free_count - 1];

		more = source->next(source->context, &pump->slots[position].read);
		if (more <= 0)
			break;
		pump->free_count--;
		pump->slots[position].done = 0;
		pump->queued[pump->queued_count++] = position;
		put(pump, position);
	}
	return more;
}

static void stamp(struct ls_pump *pump)
{
	int64_t now_ns = pump->options.histogram && pump->queued_count ? ls_clock_now() : 0;

	for (uint32_t i = 0; i < pump->queued_count; i++)
		pump->slots[pump->queued[i]].submit_ns = now_ns;
	pump->queued_count = 0;
}

static const char *read_step(const struct ls_pump *pump, const struct ls_slot *slot)
{
	if (pump->options.polling & LS_POLL_IO)
		return "io_uring IOPOLL read";
	if (slot->read.buffer >= 0)
		return pump->options.is_direct ? "io_uring O_DIRECT fixed read"
					       : "io_uring fixed read";
	return pump->options.is_direct ? "io_uring O_DIRECT read" : "io_uring read";
}

/*
 * What came back for one slot: 1 when all of its bytes are there, 0 when the rest
 * must be asked for, or -errno.
 */
static int settle(struct ls_pump *pump, struct ls_slot *slot, int res)
{
	int64_t offset = (int64_t)(slot->read.file_offset + slot->done);

	if (res == -EINTR || res == -EAGAIN)
		return 0;
	if (!res)
		res = -ENODATA;
	if (res < 0) {
		res = ls_file_read_error(res, slot->done, pump->options.align_bytes);
		return fail(pump, res, res == -ENODATA ? "read" : read_step(pump, slot), offset);
	}
	slot->done += (uint32_t)res;
	return slot->done >= slot->read.bytes;
}

static void give_back(struct ls_pump *pump, uint32_t position)
{
	pump->free_slots[pump->free_count++] = position;
}

static int complete(struct ls_pump *pump, const struct io_uring_cqe *cqe, int64_t now_ns)
{
	uint32_t position = (uint32_t)cqe->user_data;
	struct ls_slot *slot = &pump->slots[position];
	int is_done = settle(pump, slot, cqe->res);

	if (!is_done) {
		put(pump, position);
		return 0;
	}
	if (is_done > 0 && pump->options.histogram)
		ls_histogram_record(pump->options.histogram, (uint64_t)(now_ns - slot->submit_ns));
	give_back(pump, position);
	return is_done < 0 ? is_done : 0;
}

static int reap(struct ls_pump *pump, const struct ls_read_source *source)
{
	int64_t now_ns = pump->options.histogram || !pump->is_first_seen ? ls_clock_now() : 0;
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int err = 0;

	io_uring_for_each_cqe(&pump->ring, head, cqe) {
		if (!err)
			err = complete(pump, cqe, now_ns);
		else
			give_back(pump, (uint32_t)cqe->user_data);
		seen++;
	}
	io_uring_cq_advance(&pump->ring, seen);
	if (seen && !pump->is_first_seen && source->first)
		source->first(source->context, now_ns);
	pump->is_first_seen |= seen > 0;
	return err;
}

static uint32_t taken_slots(const struct ls_pump *pump)
{
	return pump->options.depth - pump->free_count;
}

/* A polling kernel thread takes entries when it will: all of them count as on their way. */
static int has_reads_in_flight(const struct ls_pump *pump)
{
	if (pump->options.polling & LS_POLL_SQ)
		return taken_slots(pump) > 0;
	return taken_slots(pump) > io_uring_sq_ready(&pump->ring);
}

/* Submits what is queued and takes what has come. */
static int turn(struct ls_pump *pump, const struct ls_read_source *source)
{
	int err;

	stamp(pump);
	err = io_uring_submit_and_wait(&pump->ring, 1);
	/* What the kernel has no room for now, it has when a read in flight has ended. */
	if ((err == -EAGAIN || err == -EBUSY) && has_reads_in_flight(pump))
		err = 0;
	if (err < 0 && err != -EINTR)
		return fail(pump, err, "io_uring_enter", -1);
	return reap(pump, source);
}

/* After a failure: reads on their way write to memory that is about to be unmapped. */
static void drain(struct ls_pump *pump)
{
	struct io_uring_cqe *cqe;

	if (pump->options.polling & LS_POLL_SQ)
		io_uring_submit(&pump->ring);
	while (has_reads_in_flight(pump)) {
		int err = io_uring_wait_cqe(&pump->ring, &cqe);

		if (err == -EINTR)
			continue;
		if (err)
			return;
		give_back(pump, (uint32_t)cqe->user_data);
		io_uring_cqe_seen(&pump->ring, cqe);
	}
}

int ls_pump_run(struct ls_pump *pump, const struct ls_read_source *source)
{
	int more = 1, err = 0;

	while (!err) {
		if (more)
			more = fill(pump, source);
		if (more < 0 && more != -EAGAIN)
			err = more;
		else if (taken_slots(pump))
			err = turn(pump, source);
		else if (more)
			err = source->wait(source->context);
		else
			return 0;
	}
	drain(pump);
	return err;
}
