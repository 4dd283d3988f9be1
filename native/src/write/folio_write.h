/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of operation folio-write. A file is made (file.c), threads write pieces (pieces.c) to
 * it (writer.c), by calls or by a ring each (ring.c); what is in the page cache is recorded (evidence.c) and the file read back (verify.c). A
 * second, untimed file is written while a tracepoint counts (tracepoint.c). set_up.c makes and
 * releases what both files need.
 */
#ifndef LS_FOLIO_WRITE_H
#define LS_FOLIO_WRITE_H

#include <stdint.h>

#include "loadstone.h"
#include "system/thread_group.h"
#include "system/uring_queue.h"

enum ls_write_engine { LS_WRITE_PWRITE, LS_WRITE_URING };
enum ls_write_pattern { LS_WRITE_FRESH, LS_WRITE_OVERWRITE, LS_WRITE_APPEND };
enum ls_write_sync { LS_WRITE_SYNC_END, LS_WRITE_SYNC_EVERY, LS_WRITE_SYNC_NONE };
enum ls_write_io { LS_WRITE_BUFFERED, LS_WRITE_DONTCACHE, LS_WRITE_DSYNC, LS_WRITE_DIRECT };

struct ls_write_options {
	const char *file;
	uint64_t size;
	uint64_t total;
	uint64_t engine;
	uint64_t depth;		/* writes in flight of each ring; 1 with LS_WRITE_PWRITE */
	uint64_t pattern;
	uint64_t sync;
	uint64_t every;		/* of a writer's writes, with LS_WRITE_SYNC_EVERY */
	uint64_t io;
	uint64_t threads;
	uint64_t prealloc;
	uint64_t payload;
	uint64_t seed;
};

/* One thread's share of the writes, and what it measured. */
struct ls_writer {
	struct ls_writing *writing;
	uint8_t *pool;		/* of pieces; each is used again once all were written */
	uint64_t first;		/* number of its first write */
	uint64_t writes;
	int64_t written_ns;	/* when its last write ended, and its last fsync if it has one */
	int64_t durable_ns;
	struct ls_histogram write_latency;
	struct ls_histogram sync_latency;
	struct ls_uring_queue uring;	/* with LS_WRITE_URING, as all below */
	uint8_t *in_flight;		/* for each piece of the pool, whether it is being written */
	uint64_t next;			/* of its writes: the one to queue next */
	uint64_t stop;			/* and that before which the ring runs empty */
};

struct ls_writing {
	struct ls_write_options options;
	struct ls_result *result;	/* NULL: nothing is recorded */
	struct ls_writer *writers;
	struct ls_thread_group group;		/* a member for each */
	uint8_t *pools;			/* one for each writer, all alike */
	uint64_t pieces;		/* in a pool */
	uint64_t writes;
	uint64_t start;			/* offset of the first write */
	int plain;			/* the file's descriptor for all but the writes */
	int file;
	int has_made_file;
	int64_t cached_before_bytes;
	int64_t start_ns;
	int64_t written_ns;
	int64_t durable_ns;
};

static inline uint64_t ls_writing_end(const struct ls_writing *writing)
{
	return writing->start + writing->writes * writing->options.size;
}

/* Records an error, where there is a result to record it in; returns code. */
int ls_writing_fail(const struct ls_writing *writing, int code, const char *step, int64_t offset);

/* Makes the file as it is before the writes, on disk and not cached, and opens it for them. */
int ls_writing_make_file(struct ls_writing *writing);

/* The memory of the writers, with their payload. */
int ls_writing_reserve(struct ls_writing *writing);

/* Fills the writers' pools with what they are to write. */
void ls_writing_fill(struct ls_writing *writing);

/* What write number position writes, in a pool: a piece that is marked with the number. */
uint8_t *ls_writing_piece(const struct ls_writing *writing, uint8_t *pool, uint64_t position);

/* With LS_WRITE_URING makes each writer's ring, which its thread enables in the timed region. */
int ls_writing_open_rings(struct ls_writing *writing);
void ls_writing_close_rings(struct ls_writing *writing);
int ls_writer_enable_ring(struct ls_writer *writer);

/* A writer's writes from number first to before stop; nothing is in flight when it returns. */
int ls_writer_write_by_ring(struct ls_writer *writer, uint64_t first, uint64_t stop);

/* Starts all threads; they wait. */
int ls_writing_start(struct ls_writing *writing);

/* The timed region. The threads have finished with the file when it returns, but still exist. */
int ls_writing_write(struct ls_writing *writing);

/* What a write's error is called. */
const char *ls_writing_step(const struct ls_writing *writing);

/* Flags of open(2), and of pwritev2(2), that the writes ask for. */
int ls_writing_open_flags(const struct ls_writing *writing);
int ls_writing_write_flags(const struct ls_writing *writing);

/* What the writes left in the page cache. */
void ls_writing_report_cache(const struct ls_writing *writing);

/* Reads all of it back. */
int ls_writing_verify(struct ls_writing *writing);

/* Prepares all but the writes themselves; release closes the file and removes it. */
int ls_writing_set_up(struct ls_writing *writing);
void ls_writing_release(struct ls_writing *writing);

/*
 * Writes in the same way once more, at most 8 MiB and by one thread's calls, to a file of the same
 * name (so release the first one before), and records the folios that the tracepoint of the page cache counted.
 */
void ls_writing_count_tracepoint(const struct ls_writing *writing);

#endif
