/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: every piece is read back, and is there once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/payload.h"
#include "core/record.h"
#include "core/size.h"
#include "system/clock.h"
#include "system/file.h"
#include "write/folio_write.h"

enum { READ_BYTES = 1 << 20 };

struct reading {
	struct ls_writing *writing;
	uint8_t *buffer;
	uint8_t *seen;		/* a bit for each write; NULL: the offset tells the write */
};

/* The order of appends to one file that are on their way together is the kernel's choice. */
static int is_in_any_order(const struct ls_writing *writing)
{
	return writing->options.pattern == LS_WRITE_APPEND &&
	       writing->options.threads * writing->options.depth > 1 &&
	       ls_payload_has_marks(writing->options.payload);
}

static int read_crc(const struct reading *reading, uint64_t offset, uint32_t *ret)
{
	const uint64_t size = reading->writing->options.size;

	*ret = 0;
	for (uint64_t done = 0; done < size;) {
		uint64_t bytes = ls_min(size - done, READ_BYTES);
		int err = ls_file_read(reading->writing->plain, reading->buffer, bytes,
				       offset + done);

		if (err)
			return err;
		*ret = ls_crc32c_update(*ret, reading->buffer, bytes);
		done += bytes;
	}
	return 0;
}

/* The number of the write that the piece at offset carries; each may occur once. */
static int read_position(const struct reading *reading, uint64_t offset, uint64_t *ret)
{
	struct ls_writing *writing = reading->writing;
	int err = ls_file_read(writing->plain, reading->buffer, LS_PAYLOAD_MARK_BYTES, offset);

	if (err)
		return err;
	*ret = ls_payload_number(writing->options.payload, reading->buffer);
	if (*ret >= writing->writes || reading->seen[*ret / 8] >> *ret % 8 & 1)
		return -EBADMSG;
	reading->seen[*ret / 8] = (uint8_t)(reading->seen[*ret / 8] | 1 << *ret % 8);
	return 0;
}

static int verify_piece(const struct reading *reading, uint64_t position)
{
	struct ls_writing *writing = reading->writing;
	const uint64_t size = writing->options.size, offset = writing->start + position * size;
	uint32_t found, expected;
	int err = reading->seen ? read_position(reading, offset, &position) : 0;

	if (!err)
		err = read_crc(reading, offset, &found);
	if (err && err != -EBADMSG)
		return ls_writing_fail(writing, err, "read back", (int64_t)offset);
	if (!err) {
		expected = ls_crc32c_update(0, ls_writing_piece(writing, writing->pools, position),
					    size);
		err = found == expected ? 0 : -EBADMSG;
	}
	return err ? ls_writing_fail(writing, err, "verify written", (int64_t)offset) : 0;
}

static int verify_length(const struct ls_writing *writing)
{
	const uint64_t end = ls_writing_end(writing);
	struct stat st;

	if (fstat(writing->plain, &st))
		return ls_writing_fail(writing, -errno, "read back", -1);
	if ((uint64_t)st.st_size > end)
		return ls_writing_fail(writing, -EBADMSG, "verify written", (int64_t)end);
	return 0;
}

/* What was synced is read from the device again, the rest from where it is. */
int ls_writing_verify(struct ls_writing *writing)
{
	LS_FREE uint8_t *buffer = malloc(READ_BYTES);
	LS_FREE uint8_t *seen = calloc(1, ls_size(writing->writes / 8 + 1));
	struct reading reading = { writing, buffer, is_in_any_order(writing) ? seen : NULL };
	int64_t start_ns = ls_clock_now();
	int err;

	if (!buffer || !seen)
		return ls_writing_fail(writing, -ENOMEM, "reserve buffer", -1);
	if (writing->options.sync != LS_WRITE_SYNC_NONE)
		(void)posix_fadvise(writing->plain, 0, 0, POSIX_FADV_DONTNEED);
	err = verify_length(writing);
	for (uint64_t i = 0; !err && i < writing->writes; i++)
		err = verify_piece(&reading, i);
	if (err)
		return err;
	ls_value_add(writing->result, "verified_bytes",
		     (int64_t)(writing->writes * writing->options.size));
	ls_value_add(writing->result, ls_value_verify_ns, ls_clock_now() - start_ns);
	return 0;
}
