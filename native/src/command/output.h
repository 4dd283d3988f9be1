/* SPDX-License-Identifier: Apache-2.0 */
/* What a command prints: never kept but for its last words, and looked through for marks. */
#ifndef LS_OUTPUT_H
#define LS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "loadstone.h"

enum { LS_OUTPUT_LINE_BYTES = 32 };

struct ls_output {
	uint64_t bytes;				/* of all */
	size_t tail_bytes;
	size_t line_bytes;			/* of the line that has begun; more than fits: no mark */
	char tail[LS_PATH_BYTES - 1];
	char line[LS_OUTPUT_LINE_BYTES];
};

/* Marks that were met, each a line of its own. */
struct ls_marks {
	int is_loading;		/* "loadstone: loading" */
	int is_ready;		/* "loadstone: ready" */
};

/* Takes a piece of it; adds the marks that its lines end to *ret. */
void ls_output_take(struct ls_output *output, const char *data, size_t bytes, struct ls_marks *ret);

/*
 * The last lines, as many whole ones as fit, or the end of one that does not; empty where nothing
 * was printed. ret has LS_PATH_BYTES.
 */
void ls_output_last_words(const struct ls_output *output, char *ret);

#endif
