/* SPDX-License-Identifier: Apache-2.0 */
/* Reads pages of a process, compresses each, and counts it in its kind. */
#ifndef LS_READER_H
#define LS_READER_H

#include <stdint.h>

#include "page/compressor.h"
#include "page/draw.h"
#include "page/kind.h"
#include "page/pagemap.h"
#include "page/range.h"
#include "page/shared_memory.h"
#include "page/zram_sizes.h"

enum { LS_READER_PAGES = 64 };

struct ls_reader {
	int memory;		/* /proc/PID/mem */
	size_t page_bytes;
	const struct ls_pagemap *pagemap;
	const struct ls_shared_memory *shared;
	struct ls_kinds *kinds;
	struct ls_compressor *compressor;
	struct ls_zram_sizes *zram;
	const uint64_t *thresholds;
	uint32_t thresholds_count;
	int64_t deadline_ns;	/* 0: none */
	char *buffer;		/* LS_READER_PAGES, aligned to a page */
	int64_t read_ns;
	uint64_t compressed;	/* pages so far */
	uint64_t compress_ns;
	const char *step;	/* what an error is of */
};

/* All of these pages until the deadline; those behind it are neither seen nor lost. */
int ls_reader_read_drawn(struct ls_reader *reader, const struct ls_draw *draw);

/* The same for whole ranges. */
int ls_reader_read_all(struct ls_reader *reader, const struct ls_ranges *ranges);

#endif
