/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: what the writers write, piece by piece, and who writes which. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/arithmetic.h"
#include "core/payload.h"
#include "core/size.h"
#include "write/folio_write.h"

enum {
	POOL_BYTES = 1 << 20,		/* farther apart than any file system's compressor looks */
	POOL_ALIGN_BYTES = 1 << 16,
};

static uint64_t pool_stride(const struct ls_writing *writing)
{
	return ls_round_up(writing->pieces * writing->options.size, POOL_ALIGN_BYTES);
}

/* The first writers have one write more, where they can't be shared out evenly. */
static void distribute_writes(struct ls_writing *writing)
{
	const uint64_t threads = writing->options.threads;
	uint64_t first = 0;

	for (uint32_t i = 0; i < threads; i++) {
		struct ls_writer *writer = &writing->writers[i];

		writer->writing = writing;
		writer->pool = writing->pools + i * pool_stride(writing);
		writer->first = first;
		writer->writes = writing->writes / threads + (i < writing->writes % threads);
		first += writer->writes;
		ls_histogram_init(&writer->write_latency, "write");
		ls_histogram_init(&writer->sync_latency, "sync");
	}
}

int ls_writing_reserve(struct ls_writing *writing)
{
	const uint64_t size = writing->options.size, threads = writing->options.threads;
	void *pools = NULL;

	/* Each write in flight has a piece of its own. */
	writing->pieces = ls_max((POOL_BYTES + size - 1) / size,
				 ls_min(writing->options.depth, writing->writes));
	if (posix_memalign(&pools, POOL_ALIGN_BYTES, ls_size(threads * pool_stride(writing))))
		return ls_writing_fail(writing, -ENOMEM, "reserve payload", -1);
	writing->pools = pools;
	writing->writers = calloc(ls_size(threads), sizeof(*writing->writers));
	if (!writing->writers)
		return ls_writing_fail(writing, -ENOMEM, "reserve writers", -1);
	distribute_writes(writing);
	return 0;
}

void ls_writing_fill(struct ls_writing *writing)
{
	const uint64_t stride = pool_stride(writing);

	(void)ls_payload_fill((uint32_t)writing->options.payload, writing->options.seed,
			      writing->pools, stride);
	for (uint64_t i = 1; i < writing->options.threads; i++)
		memcpy(writing->pools + i * stride, writing->pools, ls_size(stride));
}

uint8_t *ls_writing_piece(const struct ls_writing *writing, uint8_t *pool, uint64_t position)
{
	uint8_t *piece = pool + position % writing->pieces * writing->options.size;

	ls_payload_mark(writing->options.payload, position, piece);
	return piece;
}
