/* SPDX-License-Identifier: Apache-2.0 */
#include "pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

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

void ls_pump_deinit(struct ls_pump *pump)
{
	if (pump->has_ring)
		io_uring_queue_exit(&pump->ring);
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

static void put(struct ls_pump *pump, uint32_t position)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&pump->ring);
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

/* What came back for one slot; frees it when all of its bytes are there. */
static int settle(struct ls_pump *pump, uint32_t position, int res, int64_t now_ns)
{
	struct ls_slot *slot = &pump->slots[position];
	int64_t offset = (int64_t)(slot->read.file_offset + slot->done);

	if (res == -EINTR || res == -EAGAIN) {
		put(pump, position);
		return 0;
	}
	if (res < 0)
		return fail(pump, res, read_step(pump, slot), offset);
	slot->done += (uint32_t)res;
	if (slot->done < slot->read.bytes) {
		if (!res)
			return fail(pump, -ENODATA, "read", offset);
		put(pump, position);
		return 0;
	}
	if (pump->options.histogram)
		ls_histogram_record(pump->options.histogram, (uint64_t)(now_ns - slot->submit_ns));
	pump->free_slots[pump->free_count++] = position;
	return 0;
}

static int reap(struct ls_pump *pump, const struct ls_read_source *source)
{
	int64_t now_ns = pump->options.histogram || !pump->is_first_seen ? ls_clock_now() : 0;
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int err = 0;

	io_uring_for_each_cqe(&pump->ring, head, cqe) {
		if (!err)
			err = settle(pump, (uint32_t)cqe->user_data, cqe->res, now_ns);
		seen++;
	}
	io_uring_cq_advance(&pump->ring, seen);
	if (seen && !pump->is_first_seen && source->first)
		source->first(source->context, now_ns);
	pump->is_first_seen |= seen > 0;
	return err;
}

int ls_pump_run(struct ls_pump *pump, const struct ls_read_source *source)
{
	int more = 1, err = 0;

	while (!err) {
		if (more)
			more = fill(pump, source);
		if (more < 0 && more != -EAGAIN) {
			err = more;
			break;
		}
		if (pump->free_count == pump->options.depth) {
			if (!more)
				return 0;
			err = source->wait(source->context);
			continue;
		}
		stamp(pump);
		err = io_uring_submit_and_wait(&pump->ring, 1);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY) {
			fail(pump, err, "io_uring_enter", -1);
			break;
		}
		err = reap(pump, source);
	}
	return err;
}
