/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public C API of the Loadstone core. This file is also the cffi cdef
 * (ffi.py drops the lines that begin with '#'), so: fixed-width types, enums
 * for constants, no macros with expressions, no attributes.
 *
 * Every function returns 0 or -errno unless it says otherwise; outputs come
 * last and are named ret. All memory is the caller's. Times are
 * CLOCK_MONOTONIC in ns.
 */
#ifndef LOADSTONE_H
#define LOADSTONE_H

#include <stdint.h>

enum ls_limits {
	LS_NAME_BYTES = 32,
	LS_PATH_BYTES = 256,
	LS_SPANS_MAX = 8192,
	LS_VALUES_MAX = 192,
	LS_HISTOGRAMS_MAX = 2,
	LS_HISTOGRAM_SUBBUCKET_BITS = 7,
	LS_HISTOGRAM_BUCKETS = 4736,
	LS_SAMPLE_BYTES = 32768,
	LS_SAMPLES_MAX = 256,	/* of a Job that the agent carries out */
};

enum ls_option_kind {
	LS_OPTION_NUMBER = 1,	/* unsigned decimal */
	LS_OPTION_CHOICE = 2,	/* one of its choices */
	LS_OPTION_TEXT = 3,	/* anything: a path, a name */
};

/* What pages hold: see ls_payload_fill. */
enum ls_payload {
	LS_PAYLOAD_RANDOM,	/* no compressor shrinks it */
	LS_PAYLOAD_ZERO,
	LS_PAYLOAD_SAME_FILLED,	/* one word, not zero, over and over */
	LS_PAYLOAD_TEXT,	/* English words */
	LS_PAYLOAD_POINTER,	/* 64-bit, into one heap; some null */
	LS_PAYLOAD_FP16,	/* half floats, nearly normal: the weights of a layer */
	LS_PAYLOAD_HALF,	/* 2 KiB of random bytes, 2 KiB of zeros, over and over */
	LS_PAYLOAD_BF16,	/* the same weights as bfloat16 */
	LS_PAYLOAD_INT4,	/* weights in 4 bits, two in a byte, nearly normal */
};

/* Which step failed, on which path, at which byte (-1: none); code is -errno. */
struct ls_error {
	int32_t code;
	char step[LS_NAME_BYTES];
	char path[LS_PATH_BYTES];
	int64_t offset;
};

/* A named stretch of the timed region; lane 0 is the calling thread. */
struct ls_span {
	char name[LS_NAME_BYTES];
	uint32_t lane;
	uint32_t reserved;
	int64_t start_ns;
	int64_t end_ns;
};

/*
 * Log-linear: values below 2^7 ns have a bucket each, above that every power
 * of two is cut in 2^7, so a bucket is at most 1/128 of its lower bound wide.
 */
struct ls_histogram {
	char name[LS_NAME_BYTES];
	uint64_t count;
	uint64_t sum_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t buckets[LS_HISTOGRAM_BUCKETS];
};

/* A named figure: bytes, pages, faults, ns; the unit stands in the name. */
struct ls_value {
	char name[LS_NAME_BYTES];
	int64_t value;
};

/*
 * Names that operations share, so that a reader of a result need not know which one made it.
 * Values are lengths in ns, but for the first; every operation that times something has
 * start_ns, and one of ready_ns and elapsed_ns.
 */
extern const char *const ls_value_start_ns;	/* when the timed region began */
extern const char *const ls_value_ready_ns;	/* from then on until all bytes are ready: a load */
extern const char *const ls_value_elapsed_ns;	/* from then on to the end: any other */
extern const char *const ls_value_set_up_ns;	/* untimed: making files, threads, payload */
extern const char *const ls_value_set_cache_ns;	/* untimed: filling or dropping the page cache */
extern const char *const ls_value_verify_ns;	/* untimed: checking what was read or written */
extern const char *const ls_value_trace_ns;	/* untimed: the same once more, under a tracepoint */
extern const char *const ls_span_release;	/* after the timed region: freeing memory */

struct ls_option {
	const char *key;
	const char *value;
};

/*
 * One thing to do. samples names kernel files (/proc/vmstat, ...) whose text is
 * read right before and right after the timed region.
 */
struct ls_job {
	const char *operation;
	const struct ls_option *options;
	uint32_t options_count;
	const char *const *samples;
	uint32_t samples_count;
};

/*
 * What came of it. before and after are the caller's: samples_count times
 * LS_SAMPLE_BYTES each, every text NUL-terminated, empty where the file could
 * not be read.
 */
struct ls_result {
	struct ls_error error;
	uint32_t spans_count;
	uint32_t values_count;
	uint32_t histograms_count;
	uint32_t spans_lost;
	struct ls_span spans[LS_SPANS_MAX];
	struct ls_value values[LS_VALUES_MAX];
	struct ls_histogram histograms[LS_HISTOGRAMS_MAX];
	char *before;
	char *after;
};

/* Carries out one job. On error ret->error says what failed; what was recorded stays. */
int ls_job_run(const struct ls_job *job, struct ls_result *ret);

/* The name of operation number index, or NULL past the last. */
const char *ls_operation_name(uint32_t index);

/* An option of an operation. */
struct ls_option_info {
	const char *key;
	int32_t kind;			/* of enum ls_option_kind */
	const char *const *choices;	/* ends with NULL; NULL where the kind is another */
	const char *default_value;	/* what it is where it is not given; NULL: must be given */
};

/* Option number position of an operation; -ENOENT past the last. */
int ls_operation_option(const char *operation, uint32_t position, struct ls_option_info *ret);

/* The lower bound in ns of a histogram's bucket. */
uint64_t ls_histogram_bucket_start(uint32_t bucket);

/* Adds one value to a histogram; values above 2^43 ns (2.4 h) count in the last bucket. */
void ls_histogram_record(struct ls_histogram *histogram, uint64_t value_ns);

/* Castagnoli CRC of bytes, continuing from crc (0 to begin). */
uint32_t ls_crc32c_update(uint32_t crc, const uint8_t *data, uint64_t bytes);

/* The same, by table: what processors without the instruction use. */
uint32_t ls_crc32c_update_portable(uint32_t crc, const uint8_t *data, uint64_t bytes);

/*
 * Fills memory with a class of payload (enum ls_payload), which follows from the seed;
 * bytes must be a multiple of 8. -EINVAL if not, or where there is no such class.
 */
int ls_payload_fill(uint32_t payload, uint64_t seed, uint8_t *data, uint64_t bytes);

/* SHA-256 (hex) of the sources this core was built from. */
const char *ls_core_source_hash(void);

#endif
