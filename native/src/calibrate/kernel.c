/* SPDX-License-Identifier: Apache-2.0 */
/* Effects of entering the kernel: a null system call, the clock, a context switch. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calibrate/calibrate.h"
#include "core/guard.h"

static int call(struct ls_calibration *calibration)
{
	for (uint64_t i = 0; i < calibration->count; i++)
		(void)syscall(SYS_getppid);
	return 0;
}

static int read_clock(struct ls_calibration *calibration)
{
	struct timespec now;

	for (uint64_t i = 0; i < calibration->count; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return 0;
}

/* One byte, whole: 1; 0 where the other end is closed. */
static int take(int fd)
{
	char byte;
	ssize_t got;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : (int)got;
}

static int give(int fd)
{
	ssize_t put;

	do
		put = write(fd, "x", 1);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : 0;
}

static void *partner_thread(void *argument)
{
	struct ls_calibration *calibration = argument;

	while (take(calibration->there[0]) == 1)
		if (give(calibration->back[1]))
			break;
	return NULL;
}

/* Threads of one processor can't run at once: each byte that arrives is a switch. */
static int pin(struct ls_calibration *calibration)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	if (cpu < 0 || sched_getaffinity(0, sizeof(calibration->allowed), &calibration->allowed))
		return ls_calibration_fail(calibration, -errno, "sched_getaffinity");
	CPU_ZERO(&one);
	CPU_SET((unsigned int)cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return ls_calibration_fail(calibration, -errno, "sched_setaffinity");
	calibration->is_pinned = 1;
	return 0;
}

static int start_partner(struct ls_calibration *calibration)
{
	int err = pin(calibration);

	if (err)
		return err;
	if (pipe2(calibration->there, O_CLOEXEC) || pipe2(calibration->back, O_CLOEXEC))
		return ls_calibration_fail(calibration, -errno, "pipe");
	err = pthread_create(&calibration->partner, NULL, partner_thread, calibration);
	if (err)
		return ls_calibration_fail(calibration, -err, "start partner thread");
	calibration->has_partner = 1;
	calibration->count += calibration->count % 2;
	return 0;
}

static int switch_over_and_back(struct ls_calibration *calibration)
{
	for (uint64_t i = 0; i < calibration->count; i += 2) {
		int err = give(calibration->there[1]);

		if (!err && take(calibration->back[0]) != 1)
			err = -EPIPE;
		if (err)
			return ls_calibration_fail(calibration, err, "pipe to partner thread");
	}
	return 0;
}

static void close_end(int *fd)
{
	ls_guard_close(fd);
	*fd = -1;
}

void ls_calibration_end_partner(struct ls_calibration *calibration)
{
	close_end(&calibration->there[1]);
	if (calibration->has_partner)
		pthread_join(calibration->partner, NULL);
	close_end(&calibration->there[0]);
	close_end(&calibration->back[0]);
	close_end(&calibration->back[1]);
	if (calibration->is_pinned)
		(void)sched_setaffinity(0, sizeof(calibration->allowed), &calibration->allowed);
}

const struct ls_effect ls_effect_syscall = { .count = 2000, .work = call };

const struct ls_effect ls_effect_clock_read = {
	.count = 10000, .work = read_clock,
};

/* Of which each has the writing and the reading of a byte by a pipe in it. */
const struct ls_effect ls_effect_context_switch = {
	.count = 1000, .prepare = start_partner,
	.work = switch_over_and_back,
};
