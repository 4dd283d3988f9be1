/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation control: small work that is always the same, of the processor, of memory and of a
 * device, each done over and over for some ms. What a unit takes tells whether the machine is as
 * it was, whatever else is measured on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/random.h"
#include "core/record.h"
#include "system/clock.h"
#include "system/file.h"

enum {
	CPU_WORDS = 1 << 14,
	MEMORY_BYTES = 1 << 20,
	READ_BYTES = 1 << 20,
	MS_MAX = 1000,
};

struct options {
	const char *file;
	uint64_t cpu_ms;
	uint64_t memory_ms;
	uint64_t read_ms;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("file", struct options, file, ""),
	LS_NUMBER_OPTION("cpu-ms", struct options, cpu_ms, "10"),
	LS_NUMBER_OPTION("memory-ms", struct options, memory_ms, "10"),
	LS_NUMBER_OPTION("read-ms", struct options, read_ms, "20"),
	LS_OPTIONS_END,
};

struct control {
	struct ls_random random;
	uint8_t *buffer;
	int file;
	uint64_t file_bytes;
	uint64_t offset;
};

typedef int unit(struct control *control);

static int compute(struct control *control)
{
	for (uint32_t i = 0; i < CPU_WORDS; i++)
		(void)ls_random_next(&control->random);
	/* Else nobody would need what was computed. */
	__asm__ volatile("" : : "g"(&control->random) : "memory");
	return 0;
}

/* Small pages that are taken from the kernel, written to and given back. */
static int touch_memory(struct control *control)
{
	(void)control;
	void *map = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	(void)madvise(map, MEMORY_BYTES, MADV_NOHUGEPAGE);
	memset(map, 0x5a, MEMORY_BYTES);
	__asm__ volatile("" : : "g"(map) : "memory");
	munmap(map, MEMORY_BYTES);
	return 0;
}

static int read_next(struct control *control)
{
	int err = ls_file_read(control->file, control->buffer, READ_BYTES, control->offset);

	control->offset += READ_BYTES;
	if (control->offset + READ_BYTES > control->file_bytes)
		control->offset = 0;
	return err;
}

/* Repeats a unit for so long; a value is recorded for the time and one for the number. */
static int repeat(struct control *control, unit *work, uint64_t ms, const char *const names[2],
		  struct ls_result *ret)
{
	const int64_t start_ns = ls_clock_now();
	int64_t now_ns = start_ns;
	int64_t units = 0;

	while (!units || now_ns - start_ns < (int64_t)ms * 1000000) {
		int err = work(control);

		if (err)
			return err;
		units++;
		now_ns = ls_clock_now();
	}
	ls_value_add(ret, names[0], now_ns - start_ns);
	ls_value_add(ret, names[1], units);
	return 0;
}

static int open_file(struct control *control, const char *path, struct ls_result *ret)
{
	struct stat st;
	uint32_t align_bytes;
	int err = ls_file_stat(path, &st);

	if (err)
		return ls_result_fail(ret, err, "stat", path, -1);
	if (st.st_size < READ_BYTES)
		return ls_result_fail(ret, -ENODATA, "stat", path, -1);
	control->file_bytes = (uint64_t)st.st_size;
	control->file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (control->file < 0)
		return ls_result_fail(ret, -errno, "O_DIRECT open", path, -1);
	err = ls_file_direct_alignment(control->file, &align_bytes);
	return err ? ls_result_fail(ret, err, "O_DIRECT read", path, -1) : 0;
}

static int measure(struct control *control, const struct options *options, struct ls_result *ret)
{
	static const char *const cpu[] = { "cpu_ns", "cpu_units" };
	static const char *const memory[] = { "memory_ns", "memory_units" };
	static const char *const file[] = { "read_ns", "read_units" };
	int err = repeat(control, compute, options->cpu_ms, cpu, ret);

	if (!err)
		err = repeat(control, touch_memory, options->memory_ms, memory, ret);
	if (err)
		return ls_result_fail(ret, err, "control", "memory", -1);
	if (control->file >= 0)
		err = repeat(control, read_next, options->read_ms, file, ret);
	return err ? ls_result_fail(ret, err, "O_DIRECT read", options->file, -1) : 0;
}

static int check(const struct options *options, struct ls_result *ret)
{
	int err = ls_option_check_range(ret, "cpu-ms", options->cpu_ms, 0, MS_MAX);

	if (!err)
		err = ls_option_check_range(ret, "memory-ms", options->memory_ms, 0, MS_MAX);
	return err ? err : ls_option_check_range(ret, "read-ms", options->read_ms, 0, MS_MAX);
}

static int prepare(struct control *control, const struct options *options, struct ls_result *ret)
{
	int err = *options->file ? open_file(control, options->file, ret) : 0;

	if (err)
		return err;
	control->buffer = mmap(NULL, READ_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (control->buffer == MAP_FAILED) {
		control->buffer = NULL;
		return ls_result_fail(ret, -errno, "mmap", "memory", -1);
	}
	ls_random_init(&control->random, 1);
	return 0;
}

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct control control = { .file = -1 };
	int err = ls_options_parse(specs, job, &options, ret);

	if (!err)
		err = check(&options, ret);
	if (!err)
		err = prepare(&control, &options, ret);
	if (!err)
		err = measure(&control, &options, ret);
	if (control.buffer)
		munmap(control.buffer, READ_BYTES);
	ls_guard_close(&control.file);
	return err;
}

const struct ls_operation ls_control_operation = { "control", specs, run };
