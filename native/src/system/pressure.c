/* SPDX-License-Identifier: Apache-2.0 */
#include "system/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/size.h"
#include "system/clock.h"
#include "system/meminfo.h"

enum {
	CLOSE_RANGE_NUMBER = 436,	/* the same on every architecture, Linux 5.9 */
	PAUSE_NS = 1000000,
	LOCKED_PAUSE_NS = 10000000,
	STEP_BYTES = 16 << 20,
	SEED = 20241026,
};

/* What the holder tells its maker. */
struct ls_pressure_shared {
	uint64_t sweeps;
	int32_t error;			/* -errno of getting the memory */
	int32_t is_full;
	int32_t is_over;		/* the maker wants it to end */
	uint64_t left_bytes;		/* what a locking holder leaves available */
	uint64_t locked_bytes;
};

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int64_t cpu_ns(pid_t process)
{
	struct timespec now;
	clockid_t clock;

	if (clock_getcpuclockid(process, &clock) || clock_gettime(clock, &now))
		return -1;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Somebody may wait until all descriptors of the maker are closed; an older kernel leaves them. */
static void close_all(void)
{
	if (syscall(CLOSE_RANGE_NUMBER, 0U, ~0U, 0U))
		errno = 0;
}

static void prefer_as_oom_victim(void)
{
	LS_CLOSE int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1000", 4) < 0)
		errno = 0;
}

/* Whatever CPUs the maker is pinned to: it should not take those that are measured. */
static void use_all_cpus(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	if (sched_setaffinity(0, sizeof(all), &all))
		errno = 0;
}

static void sweep(uint8_t *memory, uint64_t bytes, uint64_t step)
{
	for (uint64_t at = 0; at < bytes; at += step)
		*(volatile uint64_t *)(memory + at) += 1;
}

/* Ends the holder, and has its maker know why. */
__attribute__((noreturn))
static void give_up(struct ls_pressure_shared *shared, int code)
{
	__atomic_store_n(&shared->error, code, __ATOMIC_RELEASE);
	_exit(1);
}

static uint8_t *map_small_pages(struct ls_pressure_shared *shared, uint64_t bytes)
{
	uint8_t *memory = mmap(NULL, ls_size(bytes), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		give_up(shared, -errno);
	/* Whatever THP is set to: a kernel without it answers EINVAL. */
	madvise(memory, ls_size(bytes), MADV_NOHUGEPAGE);
	return memory;
}

/* Half of what is too much at a time, as the kernel's own figure lags behind. */
static int lock_more(struct ls_pressure_shared *shared, uint8_t *memory, uint64_t bytes)
{
	uint64_t available = 0, locked = shared->locked_bytes;
	int err = ls_meminfo_available(&available);

	while (!err && available > shared->left_bytes && locked < bytes) {
		uint64_t step = ls_round_up((available - shared->left_bytes) / 2, page_bytes());

		step = ls_min(ls_max(step, page_bytes()), ls_min(STEP_BYTES, bytes - locked));
		if (mlock(memory + locked, ls_size(step)))
			return -errno;
		/* A sanitizer's mlock does nothing. */
		sweep(memory + locked, step, page_bytes());
		locked += step;
		__atomic_store_n(&shared->locked_bytes, locked, __ATOMIC_RELAXED);
		err = ls_meminfo_available(&available);
	}
	return err;
}

/* Locks again whenever its maker takes is_full back. */
__attribute__((noreturn))
static void hold_locked(struct ls_pressure_shared *shared, uint64_t bytes)
{
	uint8_t *memory = map_small_pages(shared, bytes);

	while (!__atomic_load_n(&shared->is_over, __ATOMIC_RELAXED)) {
		if (!__atomic_load_n(&shared->is_full, __ATOMIC_ACQUIRE)) {
			int err = lock_more(shared, memory, bytes);

			if (err)
				give_up(shared, err);
			__atomic_store_n(&shared->is_full, 1, __ATOMIC_RELEASE);
		}
		ls_clock_pause(LOCKED_PAUSE_NS);
	}
	_exit(0);
}

/* Runs in the holder, after fork: until it is killed. */
__attribute__((noreturn))
static void hold(struct ls_pressure_shared *shared, uint64_t bytes, int is_locked, pid_t maker)
{
	const uint64_t page = page_bytes();
	uint8_t *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != maker)
		_exit(1);
	prefer_as_oom_victim();
	close_all();
	use_all_cpus();
	if (is_locked)
		hold_locked(shared, bytes);
	memory = map_small_pages(shared, bytes);
	ls_payload_fill(LS_PAYLOAD_RANDOM, SEED, memory, bytes);
	__atomic_store_n(&shared->is_full, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&shared->is_over, __ATOMIC_RELAXED)) {
		sweep(memory, bytes, page);
		__atomic_fetch_add(&shared->sweeps, 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

static int check_available(uint64_t least_bytes, struct ls_result *result)
{
	uint64_t available = 0;
	int err = ls_meminfo_available(&available);

	if (err)
		return ls_result_fail(result, err, "read MemAvailable", "/proc/meminfo", -1);
	if (available < least_bytes)
		return ls_result_fail(result, -ENOMEM, "room for pressure", "memory", -1);
	return 0;
}

/* Whether it is alive; how it ended is kept. */
static int is_alive(struct ls_pressure *pressure)
{
	int status = 0;

	if (!pressure->holder)
		return 0;
	if (waitpid(pressure->holder, &status, WNOHANG) != pressure->holder)
		return 1;
	pressure->holder = 0;
	pressure->killed_by = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
	return 0;
}

static int await_full(struct ls_pressure *pressure, struct ls_result *result)
{
	int32_t error;

	while (!__atomic_load_n(&pressure->shared->is_full, __ATOMIC_ACQUIRE)) {
		if (!is_alive(pressure)) {
			error = __atomic_load_n(&pressure->shared->error, __ATOMIC_ACQUIRE);
			return error ? ls_result_fail(result, error, "mmap pressure", "memory", -1)
				     : ls_result_fail(result, -EOWNERDEAD, "fill pressure",
						      "memory", -1);
		}
		ls_clock_pause(PAUSE_NS);
	}
	return 0;
}

static int start_holder(struct ls_pressure *pressure, struct ls_result *result)
{
	const pid_t maker = getpid();
	struct ls_pressure_shared *shared = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
						 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t holder;

	if (shared == MAP_FAILED)
		return ls_result_fail(result, -errno, "mmap pressure", "memory", -1);
	shared->left_bytes = pressure->left_bytes;
	pressure->shared = shared;
	holder = fork();
	if (holder == 0)
		hold(shared, pressure->bytes, pressure->is_locked, maker);
	if (holder < 0)
		return ls_result_fail(result, -errno, "start pressure", "process", -1);
	pressure->holder = holder;
	return 0;
}

int ls_pressure_start(struct ls_pressure *pressure, uint64_t bytes, uint64_t least_available,
		      struct ls_result *result)
{
	int err = check_available(bytes > least_available ? bytes : least_available, result);

	if (err)
		return err;
	pressure->bytes = ls_round_up(bytes, page_bytes());
	err = start_holder(pressure, result);
	return err ? err : await_full(pressure, result);
}

int ls_pressure_lock_all_but(struct ls_pressure *pressure, uint64_t left_bytes,
			     struct ls_result *result)
{
	int err = 0;

	pressure->is_locked = 1;
	pressure->left_bytes = left_bytes;
	if (pressure->holder)
		__atomic_store_n(&pressure->shared->is_full, 0, __ATOMIC_RELEASE);
	else
		err = ls_meminfo_total(&pressure->bytes);
	if (err)
		return ls_result_fail(result, err, "read MemTotal", "/proc/meminfo", -1);
	if (!pressure->holder)
		err = start_holder(pressure, result);
	return err ? err : await_full(pressure, result);
}

void ls_pressure_enter(struct ls_pressure *pressure)
{
	if (!pressure->bytes || !is_alive(pressure))
		return;
	pressure->cpu_ns = cpu_ns(pressure->holder);
	pressure->sweeps = __atomic_load_n(&pressure->shared->sweeps, __ATOMIC_RELAXED);
}

/* What is swapped out is not resident. */
static int64_t resident_bytes(pid_t process)
{
	char path[64];
	FILE *statm;
	int64_t pages = -1;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)process);
	statm = fopen(path, "re");
	if (!statm)
		return -1;
	if (fscanf(statm, "%*s %" SCNd64, &pages) != 1)
		pages = -1;
	fclose(statm);
	return pages < 0 ? -1 : pages * (int64_t)page_bytes();
}

static uint64_t held_bytes(const struct ls_pressure *pressure)
{
	if (!pressure->is_locked)
		return pressure->bytes;
	return __atomic_load_n(&pressure->shared->locked_bytes, __ATOMIC_RELAXED);
}

void ls_pressure_leave(struct ls_pressure *pressure, struct ls_result *result)
{
	int64_t now_ns;

	if (!pressure->bytes)
		return;
	now_ns = pressure->holder ? cpu_ns(pressure->holder) : -1;
	ls_value_add(result, "pressure_bytes", (int64_t)held_bytes(pressure));
	if (is_alive(pressure) && !pressure->is_locked) {
		if (now_ns >= 0 && pressure->cpu_ns >= 0)
			ls_value_add(result, "pressure_cpu_ns", now_ns - pressure->cpu_ns);
		ls_value_add(result, "pressure_sweeps",
			     (int64_t)(__atomic_load_n(&pressure->shared->sweeps,
						       __ATOMIC_RELAXED) - pressure->sweeps));
		ls_value_add(result, "pressure_resident_bytes", resident_bytes(pressure->holder));
	}
	ls_value_add(result, "pressure_killed_by", pressure->killed_by);
}

void ls_pressure_end(struct ls_pressure *pressure)
{
	if (pressure->holder) {
		__atomic_store_n(&pressure->shared->is_over, 1, __ATOMIC_RELAXED);
		kill(pressure->holder, SIGKILL);
		while (waitpid(pressure->holder, NULL, 0) < 0 && errno == EINTR)
			;
	}
	pressure->holder = 0;
	if (pressure->shared)
		munmap(pressure->shared, page_bytes());
	pressure->shared = NULL;
}
