/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines sendfile, splice, copy-range and dmabuf-rw-file: the kernel moves the
 * bytes from one descriptor to the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/size.h"
#include "load/dmabuf.h"
#include "load/load.h"
#include "system/clock.h"
#include "system/file.h"

enum { PIPE_BYTES = 1 << 20 };

/* Moves what it can; what was moved, 0 at the file's end, or -errno. */
typedef ssize_t move_fn(struct ls_reader *reader, const struct ls_extent *extent, uint64_t done);

static int destination_fd(const struct ls_reader *reader, const struct ls_extent *extent)
{
	return reader->load->destination.segments[extent->segment].fd;
}

/* What is asked for of an extent's rest: O_DIRECT takes whole blocks of the device only. */
static size_t wanted(const struct ls_reader *reader, const struct ls_extent *extent,
		     uint64_t done)
{
	uint64_t bytes = reader->load->options.is_direct ? extent->request_bytes : extent->bytes;

	return ls_size(bytes - done);
}

/* The descriptor's own position advances: blocks of a segment are taken in order. */
static ssize_t move_sendfile(struct ls_reader *reader, const struct ls_extent *extent,
			     uint64_t done)
{
	off_t from = (off_t)(extent->file_offset + done);
	ssize_t moved = sendfile(destination_fd(reader, extent), reader->load->file, &from,
				 wanted(reader, extent, done));

	return moved < 0 ? -errno : moved;
}

/* What is in the pipe must be taken out, or it would become part of the next block. */
static int empty_pipe(struct ls_reader *reader, int fd, loff_t to, ssize_t bytes)
{
	while (bytes > 0) {
		ssize_t put = splice(reader->pipe[0], NULL, fd, &to, (size_t)bytes, 0);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		bytes -= put;
	}
	return 0;
}

static ssize_t move_splice(struct ls_reader *reader, const struct ls_extent *extent, uint64_t done)
{
	loff_t from = (loff_t)(extent->file_offset + done);
	size_t bytes = ls_size(ls_min(wanted(reader, extent, done), PIPE_BYTES));
	ssize_t taken = splice(reader->load->file, &from, reader->pipe[1], NULL, bytes, 0);
	int err;

	if (taken < 0)
		return -errno;
	err = empty_pipe(reader, destination_fd(reader, extent),
			 (loff_t)(extent->segment_offset + done), taken);
	return err ? err : taken;
}

static ssize_t move_range(struct ls_reader *reader, const struct ls_extent *extent, uint64_t done)
{
	off_t from = (off_t)(extent->file_offset + done);
	off_t to = (off_t)(extent->segment_offset + done);
	ssize_t moved = copy_file_range(reader->load->file, &from, destination_fd(reader, extent),
					&to, wanted(reader, extent, done), 0);

	return moved < 0 ? -errno : moved;
}

static ssize_t move_rw_file(struct ls_reader *reader, const struct ls_extent *extent,
			    uint64_t done)
{
	const struct ls_load *load = reader->load;
	struct ls_dma_buf_rw_file request = {
		.flags = LS_DMA_BUF_RW_READ |
			 (load->options.is_direct ? LS_DMA_BUF_RW_DIRECT : 0),
		.fd = load->file,
		.file_offset = extent->file_offset + done,
		.buf_offset = extent->segment_offset + done,
		.buf_len = extent->request_bytes - done,
	};

	if (ioctl(destination_fd(reader, extent), LS_DMA_BUF_IOCTL_RW_FILE, &request))
		return -errno;
	return (ssize_t)(extent->bytes - done);
}

static int move_block(struct ls_reader *reader, const struct ls_extent *extent, move_fn *move,
		      const char *step)
{
	uint64_t done = 0;

	while (done < extent->bytes) {
		ssize_t moved = move(reader, extent, done);
		int err;

		if (moved == -EINTR)
			continue;
		if (moved <= 0) {
			err = ls_file_read_error(moved ? (int)moved : -ENODATA, done,
						 reader->load->layout.align_bytes);
			return ls_reader_fail(reader, err, step,
					      (int64_t)(extent->file_offset + done));
		}
		done += (uint64_t)moved;
	}
	return 0;
}

static int move_all(struct ls_reader *reader, move_fn *move, const char *step)
{
	struct ls_extent extent;
	int more;

	while ((more = ls_reader_next(reader, &extent)) > 0) {
		int64_t start_ns = ls_clock_now();
		int err = move_block(reader, &extent, move, step);

		if (err)
			return err;
		ls_reader_record(reader, &start_ns);
	}
	return more;
}

static int sendfile_all(struct ls_reader *reader)
{
	return move_all(reader, move_sendfile, "sendfile");
}

static int splice_all(struct ls_reader *reader)
{
	return move_all(reader, move_splice, "splice");
}

static int range_all(struct ls_reader *reader)
{
	return move_all(reader, move_range, "copy_file_range");
}

static int rw_file_all(struct ls_reader *reader)
{
	return move_all(reader, move_rw_file, "DMA_BUF_IOCTL_RW_FILE");
}

static int open_pipe(struct ls_reader *reader)
{
	if (pipe2(reader->pipe, O_CLOEXEC))
		return ls_reader_fail(reader, -errno, "pipe", -1);
	/* Refused to users over pipe-user-pages-soft; a pipe of the default size does as well. */
	if (fcntl(reader->pipe[1], F_SETPIPE_SZ, PIPE_BYTES) < 0 && errno != EPERM)
		return ls_reader_fail(reader, -errno, "F_SETPIPE_SZ", -1);
	return 0;
}

static void close_pipe(struct ls_reader *reader)
{
	for (int i = 0; i < 2; i++)
		if (reader->pipe[i] >= 0)
			close(reader->pipe[i]);
	reader->pipe[0] = reader->pipe[1] = -1;
}

static int check_descriptor(struct ls_load *load)
{
	return ls_destination_is_memfd(&load->destination) ||
	       load->destination.kind == LS_DESTINATION_DMA_HEAP ? 0 : -EOPNOTSUPP;
}

static int check_heap(struct ls_load *load)
{
	return load->destination.kind == LS_DESTINATION_DMA_HEAP ? 0 : -EOPNOTSUPP;
}

const struct ls_engine ls_engine_sendfile = {
	.wants_one_thread = 1,
	.check = check_descriptor,
	.read = sendfile_all,
};

const struct ls_engine ls_engine_splice = {
	.check = check_descriptor,
	.prepare = open_pipe,
	.read = splice_all,
	.release = close_pipe,
};

const struct ls_engine ls_engine_copy_range = {
	.check = check_descriptor,
	.read = range_all,
};

const struct ls_engine ls_engine_dmabuf_rw_file = {
	.check = check_heap,
	.read = rw_file_all,
};
