/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that 4 KiB reads at depth 32 can cost: fill the ring, submit, reap
 * all, again; registered file and buffers, no clock, no bookkeeping. Prints
 * operations a second. Usage: bare_loop FILE PASSES
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { DEPTH = 32, BLOCK = 4096 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct io_uring_params params = { 0 };
	struct io_uring ring;
	struct iovec window = { 0, DEPTH * BLOCK };
	struct io_uring_cqe *cqe;
	struct stat stat;
	unsigned long blocks, end;
	double start;
	int fd = open(argv[1], O_RDONLY);

#ifdef IORING_SETUP_DEFER_TASKRUN
	params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
#endif
	if (argc != 3 || fd < 0 || fstat(fd, &stat) ||
	    posix_memalign(&window.iov_base, BLOCK, window.iov_len))
		return 1;
	if (io_uring_queue_init_params(DEPTH, &ring, &params) ||
	    io_uring_register_files(&ring, &fd, 1) < 0 ||
	    io_uring_register_buffers(&ring, &window, 1) < 0)
		return 2;
	io_uring_register_ring_fd(&ring);
	blocks = (unsigned long)stat.st_size / BLOCK;
	end = blocks * strtoul(argv[2], NULL, 10) / DEPTH * DEPTH;
	start = now();
	for (unsigned long i = 0; i < end; i += DEPTH) {
		unsigned int head, seen = 0;

		for (unsigned long j = 0; j < DEPTH; j++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			io_uring_prep_read_fixed(sqe, 0, (char *)window.iov_base + j * BLOCK,
						 BLOCK, (i + j) % blocks * BLOCK, 0);
			sqe->flags |= IOSQE_FIXED_FILE;
		}
		if (io_uring_submit_and_wait(&ring, DEPTH) < 0)
			return 3;
		io_uring_for_each_cqe(&ring, head, cqe) {
			if (cqe->res != BLOCK)
				return 4;
			seen++;
		}
		io_uring_cq_advance(&ring, seen);
	}
	printf("%.0f\n", (double)end / (now() - start));
	return 0;
}
