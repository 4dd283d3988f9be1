/* SPDX-License-Identifier: Apache-2.0 */
/* A list of CPUs as the kernel writes one: 0-3,6. */
#ifndef LS_CPU_LIST_H
#define LS_CPU_LIST_H

#include <sched.h>

/* -EINVAL for what is no list, -ERANGE for a CPU that a cpu_set_t cannot hold. */
int ls_cpu_list_parse(const char *text, cpu_set_t *ret);

#endif
