/* SPDX-License-Identifier: Apache-2.0 */
/* One load of one file: what its engines share. */
#ifndef LS_LOAD_H
#define LS_LOAD_H

#include <pthread.h>
#include <stdint.h>

#include "core/record.h"
#include "load/destination.h"
#include "load/layout.h"
#include "load/watermark.h"
#include "loadstone.h"
#include "system/latch.h"
#include "system/resident.h"
#include "system/uring_queue.h"

enum ls_cache_choice { LS_CACHE_COLD, LS_CACHE_WARM, LS_CACHE_AS_IS };
/* For a cold file: all caches, or where that does the file alone. */
enum ls_drop_choice { LS_DROP_CACHES, LS_DROP_FILE };
enum ls_verify_choice { LS_VERIFY_FULL, LS_VERIFY_SAMPLED, LS_VERIFY_OFF };
enum ls_advice_choice {
	LS_ADVICE_NONE, LS_ADVICE_POPULATE, LS_ADVICE_WILLNEED, LS_ADVICE_POPULATE_READ,
};

enum ls_io_choice { LS_IO_BUFFERED, LS_IO_DIRECT, LS_IO_DONTCACHE };
enum ls_export_choice { LS_EXPORT_AFTER, LS_EXPORT_BESIDE, LS_EXPORT_BEFORE };

struct ls_load_options {
	const char *file;
	const char *heap;
	const char *checksums;		/* path of what the checksum operation wrote, or "" */
	uint64_t engine;
	uint64_t io;
	int is_direct;			/* these two follow from io */
	int is_dontcache;
	uint64_t destination;
	uint64_t export;
	uint64_t block;
	uint64_t depth;
	uint64_t threads;
	uint64_t buffers;
	uint64_t overlap;
	uint64_t fill;
	uint64_t fixed;
	uint64_t polling;
	uint64_t advice;
	uint64_t cache;
	uint64_t drop;
	uint64_t verify;
	uint64_t pressure;		/* bytes held while the load is timed */
	uint64_t again;
	const char *pressure_group;	/* control group of both, or "" */
	uint64_t pressure_available;	/* of the machine's memory, before it is held */
	uint64_t expect_bytes;		/* the file as it was when the Run began */
	uint64_t expect_inode;
	uint64_t expect_mtime_ns;
};

struct ls_load;
struct ls_pressure;

/* One thread that reads; number 0 is the calling thread, on lane 0. */
struct ls_reader {
	struct ls_load *load;
	uint32_t lane;
	pthread_t thread;
	struct ls_histogram *histogram;
	struct ls_uring_queue uring;
	struct iovec *chunks;		/* registered buffers, one a chunk; empty: not yet */
	struct ls_extent pending;	/* a block whose memory wasn't ready */
	int has_pending;
	int pipe[2];
	int64_t busy_since_ns;		/* 0: waiting for memory */
	int err;
};

/* How bytes travel. Every hook may be NULL. */
struct ls_engine {
	int maps_file;			/* reads from load->source */
	int makes_segment;		/* allocates what it reads into */
	int makes_every_segment;	/* also where there are several */
	int wants_one_thread;
	int takes_dontcache;		/* knows RWF_DONTCACHE */
	int takes_reused;		/* reads block by block, wherever each goes */
	int (*check)(struct ls_load *load);
	int (*reserve)(struct ls_reader *reader);	/* before the timed region */
	int (*prepare)(struct ls_reader *reader);	/* in the reader's thread, timed */
	int (*read)(struct ls_reader *reader);
	void (*release)(struct ls_reader *reader);	/* in its thread, also after errors */
};

/* engines.c: all of them, by number, and their names in the same order, which ends with NULL. */
extern const struct ls_engine *const ls_engines[];
extern const char *const ls_engine_names[];

struct ls_load {
	struct ls_load_options options;
	const struct ls_engine *engine;
	struct ls_result *result;
	struct ls_pressure *pressure;
	struct ls_destination destination;
	struct ls_layout layout;
	struct ls_watermark watermark;
	struct ls_reader *readers;
	uint32_t readers_count;
	uint32_t readers_started;	/* threads, without the calling one */
	struct ls_latch read_done;	/* readers wait here between reading and release */
	pthread_t memory_thread;	/* allocates or exports while the readers read */
	int has_memory_thread;
	int file;
	uint8_t *source;		/* the file's mapping, for engines that map it */
	uint64_t next_block;		/* atomic */
	int64_t first_byte_ns;		/* atomic; 0: none yet */
};

/* Of what is allocated or exported while others read; readers have the lanes from 0 on. */
enum { LS_ALLOCATOR_LANE = 1000, LS_EXPORTER_LANE = 1001 };

/* trial.c: the load that the options ask for, under their pressure, once or again. */
int ls_load_trial(const struct ls_job *job, const struct ls_load_options *options,
		  struct ls_result *ret);
/* load_once.c: one load, from nothing open to all released. */
int ls_load_once(const struct ls_job *job, const struct ls_load_options *options,
		 struct ls_pressure *pressure, struct ls_result *ret);

/* memory.c: the destination, at once, or chunk by chunk while the readers read. */
int ls_load_allocate(struct ls_load *load);
int ls_load_allocate_overlapped(struct ls_load *load);

/* memory_thread.c: step is what an error says; where run fails it stops the watermark. */
int ls_load_start_memory_thread(struct ls_load *load, void *(*run)(void *), const char *step);
void ls_load_join_memory_thread(struct ls_load *load);

/* export.c: makes a dma-buf of a segment of udmabuf, unless it has one; span export. */
int ls_load_export_segment(struct ls_load *load, uint32_t segment, uint32_t lane);
/* What is exported before the reads, or by a thread beside them; nothing where there is overlap. */
int ls_load_begin_export(struct ls_load *load);
/* When all is read: exports what is not yet, and syncs all for the device. */
int ls_load_end_export(struct ls_load *load);

/* reader.c: what every engine's loop is made of. */

/* The next block for this reader: 1, or 0 when none is left or another thread has failed. */
int ls_reader_take(struct ls_reader *reader, struct ls_extent *ret);
/* Waits until the block's memory is there; 0 or -ECANCELED. */
int ls_reader_await(struct ls_reader *reader, const struct ls_extent *extent);
/* Both: 1, 0 when none is left, or -errno. */
int ls_reader_next(struct ls_reader *reader, struct ls_extent *ret);
/* Ends an operation that began at *since_ns: histogram, first byte; moves *since_ns on. */
void ls_reader_record(struct ls_reader *reader, int64_t *since_ns);
void ls_reader_first_byte(struct ls_reader *reader, int64_t now_ns);
/* The read span of this lane is cut where the reader waits for memory. */
void ls_reader_pause(struct ls_reader *reader);
void ls_reader_resume(struct ls_reader *reader);
uint8_t *ls_reader_addr(const struct ls_reader *reader, const struct ls_extent *extent);
int ls_reader_fail(struct ls_reader *reader, int code, const char *step, int64_t offset);
/* Runs the engine's prepare and read in every reader and waits for all. */
int ls_load_read(struct ls_load *load);
/* Runs the engine's release in every reader and ends its thread; safe after reserve. */
void ls_load_release_readers(struct ls_load *load);

/* evidence.c: outside the timed region, before the destination is viewed. */
void ls_load_report_memory(struct ls_load *load, const struct ls_resident *resident);

/* verify.c: outside the timed region. */
int ls_load_verify(struct ls_load *load);

#endif
