/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: what option io asks of open(2) and of each write. */
#include <fcntl.h>

#include "system/file.h"
#include "write/folio_write.h"

/* By enum ls_write_io: flags of open(2) and pwritev2(2), and what a write's error is called. */
static const struct {
	int open_flags;
	int write_flags;
	const char *steps[2];	/* by enum ls_write_engine */
} io_modes[] = {
	[LS_WRITE_BUFFERED] = { 0, 0, { "write", "io_uring write" } },
	[LS_WRITE_DONTCACHE] = {
		0, LS_RWF_DONTCACHE, { "RWF_DONTCACHE write", "io_uring RWF_DONTCACHE write" },
	},
	[LS_WRITE_DSYNC] = { O_DSYNC, 0, { "O_DSYNC write", "io_uring O_DSYNC write" } },
	[LS_WRITE_DIRECT] = { O_DIRECT, 0, { "O_DIRECT write", "io_uring O_DIRECT write" } },
};

const char *ls_writing_step(const struct ls_writing *writing)
{
	return io_modes[writing->options.io].steps[writing->options.engine];
}

int ls_writing_open_flags(const struct ls_writing *writing)
{
	int append = writing->options.pattern == LS_WRITE_APPEND ? O_APPEND : 0;

	return io_modes[writing->options.io].open_flags | append;
}

int ls_writing_write_flags(const struct ls_writing *writing)
{
	return io_modes[writing->options.io].write_flags;
}
