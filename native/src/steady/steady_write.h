/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of operation steady-write: places that are written over (places.c), and windows of
 * the writes (windows.c).
 */
#ifndef LS_STEADY_WRITE_H
#define LS_STEADY_WRITE_H

#include <stdint.h>

#include "loadstone.h"

enum {
	LS_STEADY_PAGE_BYTES = 1 << 12,
	LS_STEADY_WINDOWS = 24,		/* half of them before the timed region */
};

enum ls_steady_layout { LS_STEADY_FILE, LS_STEADY_ZONES };
enum ls_steady_sync { LS_STEADY_NO_SYNC, LS_STEADY_FDATASYNC };

struct ls_steady_options {
	const char *file;		/* named loadstone-…; or such a directory with zones, in seq */
	uint64_t layout;		/* as enum ls_steady_layout */
	uint64_t bytes;			/* of all places */
	uint64_t write;			/* bytes of one */
	uint64_t total;			/* bytes written, both halves */
	uint64_t sync;			/* as enum ls_steady_sync; with no sync writes are O_DIRECT */
	uint64_t skew;
	uint64_t pause;			/* ms after each burst */
	uint64_t burst;			/* writes */
	const char *device_stat;
	const char *free_segments;	/* the kernel's file, or "" */
	uint64_t seed;
};

/*
 * What is written over: places of one file, or of a file for each zone (zonefs), which is written in
 * order from its start and emptied when its turn comes again. Every page of a place holds the
 * number of its write, so that reading back shows a write that was lost or went elsewhere.
 */
struct ls_places {
	const struct ls_steady_options *options;
	struct ls_result *result;
	int *fds;
	uint32_t files;
	uint64_t count;
	uint64_t of_file;	/* places in each file */
	uint64_t *last;		/* number of each place's last write; 0: of the fill, or none */
	uint8_t *chunk;		/* what is written, and read back: whole places, some MiB */
	uint8_t *right;		/* what they hold besides their marks */
};

/* Opens the files, and with LS_STEADY_FILE makes it and writes all places once. */
int ls_places_init(struct ls_places *places);
void ls_places_deinit(struct ls_places *places);

/* Readies write number (from 1 on) to a place, which follows untimed; then the write. */
void ls_places_ready(struct ls_places *places, uint64_t place, uint64_t number);
int ls_places_write(struct ls_places *places, uint64_t place);

/* Has the file system write all that it has put off, of what the writes and cleaning left. */
int ls_places_sync(const struct ls_places *places);

/* Reads all places back that hold something; records how many bytes. */
int ls_places_verify(struct ls_places *places);

/* Writes in a row, of which there are figures: their latencies, and what the device did. */
struct ls_window {
	const struct ls_steady_options *options;
	struct ls_result *result;
	struct ls_histogram latency;
	uint64_t sectors;	/* that the device had written when it began */
	char text[LS_SAMPLE_BYTES];
};

int ls_window_begin(struct ls_window *window);

/* Records its figures as window_NN_…, where number is NN, and begins the next. */
int ls_window_end(struct ls_window *window, uint32_t number);

#endif
