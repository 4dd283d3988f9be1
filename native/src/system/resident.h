/* SPDX-License-Identifier: Apache-2.0 */
/* What the process has resident, and the most that it had since the region began. */
#ifndef LS_RESIDENT_H
#define LS_RESIDENT_H

#include <stdint.h>

/* In bytes, as VmRSS and VmHWM have it: without pages of hugetlbfs; or -errno. */
struct ls_resident {
	int64_t before_bytes;
	int64_t after_bytes;
	int64_t peak_bytes;
};

/* Resets the peak, where this process may, and reads what is resident. */
void ls_resident_enter(struct ls_resident *resident);
void ls_resident_leave(struct ls_resident *resident);

#endif
