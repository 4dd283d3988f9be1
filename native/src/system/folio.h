/* SPDX-License-Identifier: Apache-2.0 */
/* The folios that hold a file in the page cache: how large, and how much of them is dirty. */
#ifndef LS_FOLIO_H
#define LS_FOLIO_H

#include <stdint.h>

#include "loadstone.h"

enum { LS_FOLIO_ORDERS = 32 };

struct ls_folio_survey {
	uint64_t folios;
	uint64_t bytes;				/* of the file, in the page cache */
	uint64_t order_bytes[LS_FOLIO_ORDERS];	/* the same, by order of the folio */
	uint64_t dirty_bytes;			/* in folios that are dirty or being written back */
};

/*
 * Looks at the first file_bytes of a file that the caller may read and owns or may
 * write; brings no page in. By /proc/self/pagemap and /proc/kpageflags, so -EPERM,
 * -EACCES or -ENOENT where the user or the kernel has no view of them; -ESTALE where
 * pages left the page cache while they were read.
 * Source: Documentation/admin-guide/mm/pagemap.rst.
 */
int ls_folio_survey(int fd, uint64_t file_bytes, struct ls_folio_survey *ret);

/* Records the folios, their mean size and the bytes of each order. */
void ls_folio_report(const struct ls_folio_survey *survey, struct ls_result *result);

/* The same of a survey that could not be had: a mean of -1. */
void ls_folio_report_unknown(struct ls_result *result);

#endif
