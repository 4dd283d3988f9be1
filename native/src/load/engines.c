/* SPDX-License-Identifier: Apache-2.0 */
/* The engines of model-load: the one list of them. */
#include "load/load.h"

#define ENGINES(X) \
	X(ls_engine_pread, "pread") \
	X(ls_engine_uring, "uring") \
	X(ls_engine_mmap, "mmap") \
	X(ls_engine_mmap_copy, "mmap-copy") \
	X(ls_engine_sendfile, "sendfile") \
	X(ls_engine_splice, "splice") \
	X(ls_engine_copy_range, "copy-range") \
	X(ls_engine_kernel_fill, "kernel-fill") \
	X(ls_engine_heap_alloc_and_read, "heap-alloc-and-read") \
	X(ls_engine_heap_alloc_file, "heap-alloc-file") \
	X(ls_engine_dmabuf_rw_file, "dmabuf-rw-file")

#define DECLARE(engine, name) extern const struct ls_engine engine;
ENGINES(DECLARE)

#define POINTER(engine, name) &engine,
const struct ls_engine *const ls_engines[] = { ENGINES(POINTER) };

#define NAME(engine, name) name,
const char *const ls_engine_names[] = { ENGINES(NAME) NULL };
