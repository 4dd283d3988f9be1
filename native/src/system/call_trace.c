/* SPDX-License-Identifier: Apache-2.0 */
#include "system/call_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/size.h"

enum {
	RING_PAGES = 64,		/* a power of two */
	TYPE_BYTES = 16,
	RETURN = 1,			/* of config: source format/retprobe of the PMU */
};

enum end { CALL_ENTRY, CALL_RETURN, CALL_ENDS };

/* As the kernel writes it, by SAMPLE_TYPE: source perf_event_open(2). */
struct sample {
	struct perf_event_header header;
	uint64_t identifier;
	uint32_t process;
	uint32_t thread;
	uint64_t time_ns;
};

struct lost {
	struct perf_event_header header;
	uint64_t identifier;
	uint64_t lost;
};

#define SAMPLE_TYPE (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME)

struct ls_call_ring {
	int fds[CALL_ENDS];
	uint64_t identifiers[CALL_ENDS];
	struct perf_event_mmap_page *page;	/* and the ring behind it */
};

struct ls_call_moment {
	uint64_t time_ns;
	uint32_t thread;
	uint32_t is_return;
};

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t ring_bytes(void)
{
	return RING_PAGES * page_bytes();
}

static int find_pmu(uint32_t *ret)
{
	LS_CLOSE int fd = open("/sys/bus/event_source/devices/kprobe/type", O_RDONLY | O_CLOEXEC);
	char text[TYPE_BYTES] = { 0 };

	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		return -ENODEV;
	*ret = (uint32_t)strtoul(text, NULL, 10);
	return 0;
}

static int open_end(struct ls_call_ring *ring, enum end end, uint32_t pmu, int cpu,
		    const char *function)
{
	struct perf_event_attr attr = {
		.type = pmu,
		.size = sizeof(attr),
		.config = end == CALL_RETURN ? RETURN : 0,
		.kprobe_func = (uintptr_t)function,
		.sample_period = 1,
		.sample_type = SAMPLE_TYPE,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	ring->fds[end] = fd;
	return ioctl(fd, PERF_EVENT_IOC_ID, &ring->identifiers[end]) ? -errno : 0;
}

static int map_ring(struct ls_call_ring *ring)
{
	void *page = mmap(NULL, ls_size(page_bytes() + ring_bytes()), PROT_READ | PROT_WRITE,
			  MAP_SHARED, ring->fds[CALL_ENTRY], 0);

	if (page == MAP_FAILED)
		return -errno;
	ring->page = page;
	return ioctl(ring->fds[CALL_RETURN], PERF_EVENT_IOC_SET_OUTPUT, ring->fds[CALL_ENTRY])
		? -errno : 0;
}

static void close_ring(struct ls_call_ring *ring)
{
	for (int end = 0; end < CALL_ENDS; end++)
		if (ring->fds[end] >= 0)
			close(ring->fds[end]);
	if (ring->page)
		munmap(ring->page, ls_size(page_bytes() + ring_bytes()));
}

/* An offline CPU has no ring: nothing is called there. */
static int open_ring(struct ls_call_ring *ring, uint32_t pmu, int cpu, const char *function)
{
	int err = open_end(ring, CALL_ENTRY, pmu, cpu, function);

	if (!err)
		err = open_end(ring, CALL_RETURN, pmu, cpu, function);
	if (!err)
		err = map_ring(ring);
	return err;
}

static int open_rings(struct ls_call_trace *trace, uint32_t pmu, const char *function)
{
	for (uint32_t cpu = 0; cpu < trace->cpus; cpu++) {
		struct ls_call_ring *ring = &trace->rings[cpu];
		int err = open_ring(ring, pmu, (int)cpu, function);

		if (!err)
			continue;
		close_ring(ring);
		*ring = (struct ls_call_ring){ .fds = { -1, -1 } };
		if (err != -ENODEV)
			return err;
	}
	return 0;
}

static void close_rings(struct ls_call_trace *trace)
{
	for (uint32_t cpu = 0; cpu < trace->cpus; cpu++) {
		close_ring(&trace->rings[cpu]);
		trace->rings[cpu] = (struct ls_call_ring){ .fds = { -1, -1 } };
	}
}

static int reserve(struct ls_call_trace *trace)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	const uint64_t most = ring_bytes() / sizeof(struct sample);

	if (cpus <= 0)
		return -ENODEV;
	trace->rings = calloc((size_t)cpus, sizeof(*trace->rings));
	trace->moments = calloc((size_t)cpus, ls_size(most * sizeof(*trace->moments)));
	if (!trace->rings || !trace->moments)
		return -ENOMEM;
	trace->cpus = (uint32_t)cpus;
	for (uint32_t cpu = 0; cpu < trace->cpus; cpu++)
		trace->rings[cpu] = (struct ls_call_ring){ .fds = { -1, -1 } };
	return 0;
}

static int open_first(struct ls_call_trace *trace, uint32_t pmu, const char *functions)
{
	char name[LS_CALLS_NAME_BYTES];
	int err = -ENOENT;

	while (err == -ENOENT && *functions) {
		const size_t length = strcspn(functions, ",");

		if (length >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, functions, length);
		name[length] = '\0';
		err = open_rings(trace, pmu, name);
		if (err)
			close_rings(trace);
		functions += length + (functions[length] == ',');
	}
	return err;
}

int ls_call_trace_open(struct ls_call_trace *trace, const char *functions)
{
	uint32_t pmu = 0;
	int err = find_pmu(&pmu);

	if (!err)
		err = reserve(trace);
	if (!err)
		err = open_first(trace, pmu, functions);
	return err;
}

static int each(const struct ls_call_trace *trace, unsigned long request)
{
	for (uint32_t cpu = 0; cpu < trace->cpus; cpu++)
		for (int end = 0; end < CALL_ENDS; end++)
			if (trace->rings[cpu].fds[end] >= 0 &&
			    ioctl(trace->rings[cpu].fds[end], request, 0))
				return -errno;
	return 0;
}

int ls_call_trace_start(struct ls_call_trace *trace)
{
	return each(trace, PERF_EVENT_IOC_ENABLE);
}

int ls_call_trace_stop(struct ls_call_trace *trace)
{
	return each(trace, PERF_EVENT_IOC_DISABLE);
}

/* A record may lie across the end of the ring. */
static void copy_record(const struct ls_call_ring *ring, uint64_t at, void *to, uint64_t bytes)
{
	const uint8_t *data = (const uint8_t *)ring->page + ring->page->data_offset;
	const uint64_t size = ring->page->data_size, start = at % size;
	const uint64_t first = ls_min(bytes, size - start);

	memcpy(to, data + start, ls_size(first));
	memcpy((uint8_t *)to + first, data, ls_size(bytes - first));
}

static void take_record(struct ls_call_trace *trace, const struct ls_call_ring *ring, uint64_t at,
			uint32_t type, uint64_t *count)
{
	struct sample sample;
	struct lost lost;

	if (type == PERF_RECORD_LOST) {
		copy_record(ring, at, &lost, sizeof(lost));
		trace->missed += lost.lost;
	}
	if (type != PERF_RECORD_SAMPLE)
		return;
	copy_record(ring, at, &sample, sizeof(sample));
	trace->moments[(*count)++] = (struct ls_call_moment){
		.time_ns = sample.time_ns,
		.thread = sample.thread,
		.is_return = sample.identifier == ring->identifiers[CALL_RETURN],
	};
}

static void take_ring(struct ls_call_trace *trace, struct ls_call_ring *ring, uint64_t *count)
{
	const uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t at = ring->page->data_tail;

	while (at < head) {
		struct perf_event_header header;

		copy_record(ring, at, &header, sizeof(header));
		take_record(trace, ring, at, header.type, count);
		at += header.size;
	}
	__atomic_store_n(&ring->page->data_tail, at, __ATOMIC_RELEASE);
}

static int by_time(const void *one, const void *other)
{
	const struct ls_call_moment *a = one, *b = other;

	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static void enter(struct ls_call_trace *trace, const struct ls_call_moment *moment)
{
	if (trace->open_count == LS_CALLS_OPEN) {
		trace->missed++;
		return;
	}
	trace->open[trace->open_count++] = (struct ls_open_call){ moment->thread, moment->time_ns };
}

static void leave(struct ls_call_trace *trace, const struct ls_call_moment *moment,
		  struct ls_histogram *histogram)
{
	for (uint32_t i = trace->open_count; i-- > 0;) {
		struct ls_open_call *call = &trace->open[i];

		if (call->thread != moment->thread)
			continue;
		ls_histogram_record(histogram, moment->time_ns - call->start_ns);
		*call = trace->open[--trace->open_count];
		return;
	}
	trace->missed++;
}

void ls_call_trace_drain(struct ls_call_trace *trace, struct ls_histogram *histogram)
{
	uint64_t count = 0;

	for (uint32_t cpu = 0; cpu < trace->cpus; cpu++)
		if (trace->rings[cpu].page)
			take_ring(trace, &trace->rings[cpu], &count);
	/* A thread may go on on another CPU between entry and return. */
	qsort(trace->moments, ls_size(count), sizeof(*trace->moments), by_time);
	for (uint64_t i = 0; i < count; i++) {
		if (trace->moments[i].is_return)
			leave(trace, &trace->moments[i], histogram);
		else
			enter(trace, &trace->moments[i]);
	}
}

void ls_call_trace_close(struct ls_call_trace *trace)
{
	close_rings(trace);
	free(trace->rings);
	free(trace->moments);
	*trace = (struct ls_call_trace){ 0 };
}
