/* SPDX-License-Identifier: Apache-2.0 */
/* One load, from nothing open to all released: the way its options say. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/size.h"
#include "load/load.h"
#include "system/cache.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/pressure.h"
#include "system/region.h"

enum {
	IO_URING_BUFFER_LIMIT = 1 << 30,	/* of one registered buffer */
	CHUNKS_MAX = 2048,
	DEPTH_MAX = 4096,
	THREADS_MAX = 256,
};

static int fail(struct ls_load *load, int code, const char *step)
{
	return ls_result_fail(load->result, code, step, load->options.file, -1);
}

static int open_file(const struct ls_load *load, int is_direct)
{
	int fd = open(load->options.file, O_RDONLY | O_CLOEXEC | (is_direct ? O_DIRECT : 0));

	return fd < 0 ? -errno : fd;
}

static int check_identity(struct ls_load *load, const struct stat *st)
{
	const struct ls_load_options *options = &load->options;

	if (!options->expect_bytes)
		return 0;
	if ((uint64_t)st->st_size != options->expect_bytes ||
	    st->st_ino != options->expect_inode || ls_file_mtime_ns(st) != options->expect_mtime_ns)
		return fail(load, -ESTALE, "file identity");
	return 0;
}

/* What is overwritten again and again is no model: only what reads block by block has a use. */
static int check_reused(struct ls_load *load)
{
	const struct ls_load_options *options = &load->options;

	if (load->destination.kind != LS_DESTINATION_REUSED)
		return 0;
	if (!load->engine->takes_reused)
		return fail(load, -EOPNOTSUPP, "engine and destination");
	if (options->verify != LS_VERIFY_OFF || options->overlap || options->buffers > 1)
		return fail(load, -EOPNOTSUPP, "verify, overlap or buffers of a reused buffer");
	return 0;
}

static int check_options(struct ls_load *load)
{
	const struct ls_load_options *options = &load->options;
	struct ls_result *result = load->result;
	int err = ls_option_check_range(result, "depth", options->depth, 1, DEPTH_MAX);

	if (!err)
		err = ls_option_check_range(result, "threads", options->threads, 1, THREADS_MAX);
	if (!err)
		err = ls_option_check_range(result, "buffers", options->buffers, 1, CHUNKS_MAX);
	if (!err)
		err = ls_option_check_range(result, "block", options->block, 1,
					    IO_URING_BUFFER_LIMIT);
	if (!err)
		err = ls_option_check_range(result, "overlap", options->overlap, 0,
					    IO_URING_BUFFER_LIMIT);
	if (err)
		return err;
	if (options->is_dontcache && !load->engine->takes_dontcache)
		return fail(load, -EOPNOTSUPP, "engine and io");
	if (load->engine->wants_one_thread && options->threads > 1)
		return fail(load, -EOPNOTSUPP, "engine and threads");
	if (load->engine->makes_segment && !load->engine->makes_every_segment &&
	    options->buffers > 1)
		return fail(load, -EOPNOTSUPP, "engine and buffers");
	if (load->engine->check && load->engine->check(load))
		return fail(load, -EOPNOTSUPP, "engine and destination");
	return check_reused(load);
}

/* Sizes and alignment; needs the file, so it opens it for a moment. */
static int plan_layout(struct ls_load *load, uint64_t file_bytes)
{
	const struct ls_load_options *options = &load->options;
	/* Whoever allocates himself has no chunks of ours. */
	uint64_t chunk_bytes = load->engine->makes_segment ? 0 : options->overlap;
	uint32_t align_bytes = 1;

	if (options->is_direct) {
		LS_CLOSE int fd = open_file(load, 1);
		int err = fd < 0 ? fd : ls_file_direct_alignment(fd, &align_bytes);

		if (err)
			return fail(load, err, fd < 0 ? "O_DIRECT open" : "O_DIRECT read");
		if (options->block % align_bytes)
			return ls_result_fail(load->result, -EINVAL, "block for O_DIRECT",
					      options->file, align_bytes);
		ls_value_add(load->result, "direct_align_bytes", align_bytes);
	}
	ls_destination_align(&load->destination, align_bytes);
	ls_layout_init(&load->layout, file_bytes, options->buffers,
		       load->destination.granule_bytes, chunk_bytes, IO_URING_BUFFER_LIMIT,
		       options->block, align_bytes);
	if (load->layout.chunks > CHUNKS_MAX)
		return ls_result_fail(load->result, -E2BIG, "chunks of overlap", options->file,
				      (int64_t)load->layout.chunks);
	return 0;
}

static int reserve_reader(struct ls_reader *reader)
{
	reader->histogram = malloc(sizeof(*reader->histogram));
	if (!reader->histogram)
		return fail(reader->load, -ENOMEM, "reserve histogram");
	ls_histogram_init(reader->histogram, "read");
	return reader->load->engine->reserve ? reader->load->engine->reserve(reader) : 0;
}

static int reserve_readers(struct ls_load *load)
{
	uint32_t count = (uint32_t)load->options.threads;
	int err = 0;

	load->readers = calloc(count, sizeof(*load->readers));
	if (!load->readers)
		return fail(load, -ENOMEM, "reserve readers");
	load->readers_count = count;
	for (uint32_t i = 0; i < count; i++) {
		load->readers[i].load = load;
		load->readers[i].lane = i;
		load->readers[i].pipe[0] = load->readers[i].pipe[1] = -1;
	}
	for (uint32_t i = 0; !err && i < count; i++)
		err = reserve_reader(&load->readers[i]);
	return err;
}

/* Brings the page cache into the requested state and measures what is resident; untimed. */
static int make_cold(const struct ls_load *load, int fd, int *dropped)
{
	const uint64_t bytes = load->layout.file_bytes;

	if (load->options.drop == LS_DROP_FILE)
		return ls_cache_evict(fd, bytes, dropped);
	return ls_cache_drop(fd, bytes, dropped);
}

static int set_cache(struct ls_load *load, int64_t *resident)
{
	LS_CLOSE int fd = open_file(load, 0);
	int dropped = 0, err = 0;

	if (fd < 0)
		return fail(load, fd, "open");
	if (load->options.cache == LS_CACHE_COLD)
		err = make_cold(load, fd, &dropped);
	else if (load->options.cache == LS_CACHE_WARM)
		err = ls_cache_warm(fd, load->layout.file_bytes);
	if (err)
		return fail(load, err, "set cache state");
	ls_value_add(load->result, "drop_caches", dropped);
	err = ls_cache_resident(fd, load->layout.file_bytes, resident);
	if (err)
		*resident = err;
	return 0;
}

static int map_source(struct ls_load *load)
{
	int flags = MAP_SHARED | (load->options.advice == LS_ADVICE_POPULATE ? MAP_POPULATE : 0);
	int64_t start_ns = ls_clock_now();
	void *map = mmap(NULL, ls_size(load->layout.file_bytes), PROT_READ, flags, load->file,
			 0);

	if (map == MAP_FAILED)
		return fail(load, -errno, "mmap");
	load->source = map;
	ls_span_add(load->result, "map", 0, start_ns, ls_clock_now());
	return 0;
}

static int open_all(struct ls_load *load)
{
	int64_t start_ns = ls_clock_now();
	int err;

	load->file = open_file(load, load->options.is_direct);
	if (load->file < 0)
		return fail(load, load->file, load->options.is_direct ? "O_DIRECT open" : "open");
	err = ls_destination_open(&load->destination);
	ls_span_add(load->result, "open", 0, start_ns, ls_clock_now());
	return err;
}

static int allocate(struct ls_load *load)
{
	if (load->engine->makes_segment || load->destination.kind == LS_DESTINATION_MAPPING) {
		ls_watermark_advance(&load->watermark, load->layout.file_bytes);
		return 0;
	}
	if (load->options.overlap)
		return ls_load_allocate_overlapped(load);
	return ls_load_allocate(load);
}

/* The timed region: from nothing open to every byte in memory that an accelerator can use. */
static int load_file(struct ls_load *load)
{
	int err = open_all(load);

	if (!err && load->engine->maps_file)
		err = map_source(load);
	if (!err)
		err = allocate(load);
	if (!err)
		err = ls_load_begin_export(load);
	if (!err)
		err = ls_load_read(load);
	if (err)
		ls_watermark_stop(&load->watermark);
	ls_load_join_memory_thread(load);
	if (!err && load->result->error.code)
		err = load->result->error.code;
	return err ? err : ls_load_end_export(load);
}

static void release(struct ls_load *load)
{
	int64_t start_ns = ls_clock_now();

	ls_load_release_readers(load);
	if (load->source)
		munmap(load->source, ls_size(load->layout.file_bytes));
	load->source = NULL;
	ls_destination_deinit(&load->destination);
	if (load->file >= 0)
		close(load->file);
	load->file = -1;
	ls_span_add(load->result, ls_span_release, 0, start_ns, ls_clock_now());
}

static void deinit(struct ls_load *load)
{
	for (uint32_t i = 0; i < load->readers_count; i++)
		free(load->readers[i].histogram);
	free(load->readers);
	ls_latch_deinit(&load->read_done);
	ls_watermark_deinit(&load->watermark);
}

static void report_latency(struct ls_load *load)
{
	struct ls_histogram *sum = ls_histogram_take(load->result, "read");

	for (uint32_t i = 0; sum && i < load->readers_count; i++)
		ls_histogram_merge(sum, load->readers[i].histogram);
}

/* What is known once the bytes are read, and before the destination is released. */
static void report(struct ls_load *load, int64_t start_ns, int64_t ready_ns, int64_t before)
{
	LS_CLOSE int fd = open_file(load, 0);
	int64_t after = -1;
	int err;

	err = fd < 0 ? fd : ls_cache_resident(fd, load->layout.file_bytes, &after);
	if (err)
		after = err;
	ls_value_add(load->result, ls_value_ready_ns, ready_ns - start_ns);
	ls_value_add(load->result, "first_byte_ns", load->first_byte_ns - start_ns);
	ls_value_add(load->result, "file_bytes", (int64_t)load->layout.file_bytes);
	ls_value_add(load->result, "page_bytes", (int64_t)load->destination.page_bytes);
	ls_value_add(load->result, "segments", load->layout.segments);
	ls_value_add(load->result, "cached_before_bytes", before);
	ls_value_add(load->result, "cached_after_bytes", after);
	report_latency(load);
}

static int measure(struct ls_load *load, const struct ls_job *job)
{
	struct ls_region region;
	int64_t begin_ns = ls_clock_now(), start_ns, ready_ns, resident = -1;
	int err = set_cache(load, &resident);

	if (err)
		return err;
	ls_region_enter(&region, job, load->result);
	ls_pressure_enter(load->pressure);
	start_ns = ls_clock_now();
	err = load_file(load);
	ready_ns = ls_clock_now();
	ls_pressure_leave(load->pressure, load->result);
	ls_region_leave(&region, start_ns);
	/* With what enters the region: the program's own pages read anew, the samples. */
	ls_value_add(load->result, ls_value_set_cache_ns, start_ns - begin_ns);
	if (err)
		return err;
	ls_load_report_memory(load, &region.resident);
	report(load, start_ns, ready_ns, resident);
	ls_region_report(&region);
	if (load->options.verify == LS_VERIFY_OFF)
		return 0;
	begin_ns = ls_clock_now();
	err = ls_load_verify(load);
	ls_value_add(load->result, ls_value_verify_ns, ls_clock_now() - begin_ns);
	return err;
}

/* The file must be, after the trial as before it, the one the Run began with. */
static int check_file(struct ls_load *load, uint64_t *file_bytes)
{
	struct stat st;
	int err = ls_file_stat(load->options.file, &st);

	if (err)
		return fail(load, err, err == -ENODATA ? "empty file" : "open");
	*file_bytes = (uint64_t)st.st_size;
	return check_identity(load, &st);
}

static int init_waiting(struct ls_load *load)
{
	int err = ls_watermark_init(&load->watermark);

	if (err)
		return err;
	err = ls_latch_init(&load->read_done);
	if (err)
		ls_watermark_deinit(&load->watermark);
	return err;
}

int ls_load_once(const struct ls_job *job, const struct ls_load_options *options,
		 struct ls_pressure *pressure, struct ls_result *ret)
{
	struct ls_load load = {
		.options = *options, .result = ret, .pressure = pressure, .file = -1,
	};
	uint64_t file_bytes = 0;
	int err;

	load.options.is_direct = load.options.io == LS_IO_DIRECT;
	load.options.is_dontcache = load.options.io == LS_IO_DONTCACHE;
	load.engine = ls_engines[load.options.engine];
	ls_destination_init(&load.destination, (enum ls_destination_kind)load.options.destination,
			    load.options.heap, ret);
	err = init_waiting(&load);
	if (err)
		return fail(&load, err, "start");
	err = check_options(&load);
	if (!err)
		err = check_file(&load, &file_bytes);
	if (!err)
		err = plan_layout(&load, file_bytes);
	if (!err)
		err = ls_destination_reserve(&load.destination, load.layout.segments);
	if (!err)
		err = ls_destination_reserve_reused(&load.destination, load.options.block);
	if (!err)
		err = reserve_readers(&load);
	if (!err)
		err = measure(&load, job);
	release(&load);
	if (!err)
		err = check_file(&load, &file_bytes);
	deinit(&load);
	return err;
}
