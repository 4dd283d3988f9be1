/* SPDX-License-Identifier: Apache-2.0 */
/* Engine pread: one blocking read after another, in every reader. */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/size.h"
#include "load/load.h"
#include "system/clock.h"
#include "system/file.h"

static int fail(struct ls_reader *reader, int code, const struct ls_extent *extent, uint64_t done)
{
	const struct ls_load *load = reader->load;
	int err = ls_file_read_error(code, done, load->layout.align_bytes);
	const char *step = "read";

	if (load->options.is_direct && err != -ENODATA)
		step = "O_DIRECT read";
	else if (load->options.is_dontcache && err != -ENODATA)
		step = "RWF_DONTCACHE read";
	return ls_reader_fail(reader, err, step, (int64_t)(extent->file_offset + done));
}

static ssize_t read_part(const struct ls_load *load, uint8_t *addr, uint64_t bytes,
			 uint64_t file_offset)
{
	struct iovec part = { .iov_base = addr, .iov_len = ls_size(bytes) };

	if (load->options.is_dontcache)
		return preadv2(load->file, &part, 1, (off_t)file_offset, LS_RWF_DONTCACHE);
	return pread(load->file, addr, ls_size(bytes), (off_t)file_offset);
}

static int read_block(struct ls_reader *reader, const struct ls_extent *extent)
{
	const struct ls_load *load = reader->load;
	uint8_t *addr = ls_reader_addr(reader, extent);
	uint64_t done = 0;

	while (done < extent->bytes) {
		ssize_t got = read_part(load, addr + done, extent->request_bytes - done,
					extent->file_offset + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(reader, got ? -errno : -ENODATA, extent, done);
		done += (uint64_t)got;
	}
	return 0;
}

static int read_all(struct ls_reader *reader)
{
	struct ls_extent extent;
	int more;

	while ((more = ls_reader_next(reader, &extent)) > 0) {
		int64_t start_ns = ls_clock_now();
		int err = read_block(reader, &extent);

		if (err)
			return err;
		ls_reader_record(reader, &start_ns);
	}
	return more;
}

const struct ls_engine ls_engine_pread = {
	.takes_dontcache = 1, .takes_reused = 1, .read = read_all,
};
