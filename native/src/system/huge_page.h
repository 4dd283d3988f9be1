/* SPDX-License-Identifier: Apache-2.0 */
/* How large this kernel's huge pages are. */
#ifndef LS_HUGE_PAGE_H
#define LS_HUGE_PAGE_H

#include <stdint.h>

/*
 * The size of a page of hugetlbfs, where no other is asked for; 0 where the kernel has none. Returns
 * -errno where that cannot be read.
 */
int ls_hugetlb_bytes(uint64_t *ret);

/* The same of a transparent huge page. */
int ls_thp_bytes(uint64_t *ret);

#endif
