/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of small files, as the kernel's own are. */
#ifndef LS_TEXT_H
#define LS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "loadstone.h"

/*
 * Reads a text of at most LS_SAMPLE_BYTES - 1 bytes from an offset of a file, and ends it with
 * a NUL; *ret is its length. A kernel file may return it in several reads.
 */
int ls_text_read(const char *path, uint64_t offset, char *text, size_t *ret);

/* How much of a text is whole lines. */
size_t ls_text_lines(const char *text, size_t length);

/* Reads the job's sample files into texts (the result's before or after). */
void ls_samples_read(const struct ls_job *job, char *texts);

#endif
