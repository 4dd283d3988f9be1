/* SPDX-License-Identifier: Apache-2.0 */
/* How large this kernel's huge pages are. */
#ifndef LS_HUGE_PAGE_H
#define LS_HUGE_PAGE_H

#include <stdint.h>

/* The size of a page of hugetlbfs, where no other is asked for; 0 where the kernel has none. */
uint64_t ls_hugetlb_bytes(void);

/* The size of a transparent huge page; 0 where the kernel has none. */
uint64_t ls_thp_bytes(void);

#endif
