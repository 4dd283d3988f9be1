/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of the machine's memory: source proc_meminfo(5). */
#ifndef LS_MEMINFO_H
#define LS_MEMINFO_H

#include <stdint.h>

/* MemTotal in bytes. */
int ls_meminfo_total(uint64_t *ret);

/* MemAvailable in bytes; -ENODATA where the kernel does not tell it. */
int ls_meminfo_available(uint64_t *ret);

#endif
