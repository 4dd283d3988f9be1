/* SPDX-License-Identifier: Apache-2.0 */
/* What the process itself uses: processor time, faults, context switches. */
#ifndef LS_USAGE_H
#define LS_USAGE_H

#include <stdint.h>

#include "loadstone.h"

/* What the process itself used up to now; nothing where failed names what could not be read. */
struct ls_usage {
	int error;
	const char *failed;
	int64_t cpu_ns;
	int64_t user_ns;
	int64_t system_ns;
	int64_t minor_faults;
	int64_t major_faults;
	int64_t voluntary_switches;
	int64_t involuntary_switches;
};

void ls_usage_read(struct ls_usage *ret);

/* Records the difference of two readings as values, or that one of them failed. */
void ls_usage_add(struct ls_result *result, const struct ls_usage *before,
		  const struct ls_usage *after);

#endif
