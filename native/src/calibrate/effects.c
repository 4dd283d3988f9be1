/* SPDX-License-Identifier: Apache-2.0 */
/* The effects that calibrate measures: the one list of them. */
#include "calibrate/calibrate.h"

#define EFFECTS(X) \
	X(ls_effect_memcpy, "memcpy") \
	X(ls_effect_memset, "memset") \
	X(ls_effect_kernel_copy, "kernel-copy") \
	X(ls_effect_syscall, "syscall") \
	X(ls_effect_minor_fault, "minor-fault") \
	X(ls_effect_thp_fault, "thp-fault") \
	X(ls_effect_context_switch, "context-switch") \
	X(ls_effect_clock_read, "clock-read") \
	X(ls_effect_write, "write") \
	X(ls_effect_read_pread, "read-pread") \
	X(ls_effect_read_mmap, "read-mmap")

#define DECLARE(effect, name) extern const struct ls_effect effect;
EFFECTS(DECLARE)

#define POINTER(effect, name) &effect,
const struct ls_effect *const ls_effects[] = { EFFECTS(POINTER) };

#define NAME(effect, name) name,
const char *const ls_effect_names[] = { EFFECTS(NAME) NULL };
