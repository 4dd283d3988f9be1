/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: all that a pass needs, made and taken down. */
#include <stdlib.h>
#include <unistd.h>

#include "system/thread_group.h"
#include "write/folio_write.h"

int ls_writing_set_up(struct ls_writing *writing)
{
	const struct ls_write_options *options = &writing->options;
	int err;

	writing->writes = options->total / options->size;
	writing->start = options->pattern == LS_WRITE_APPEND ? options->size : 0;
	err = ls_writing_reserve(writing);
	if (!err)
		err = ls_writing_make_file(writing);
	if (err)
		return err;
	ls_writing_fill(writing);
	err = ls_writing_open_rings(writing);
	if (err)
		return err;
	return ls_writing_start(writing);
}

void ls_writing_release(struct ls_writing *writing)
{
	ls_thread_group_deinit(&writing->group);
	ls_writing_close_rings(writing);
	if (writing->file >= 0)
		close(writing->file);
	if (writing->plain >= 0)
		close(writing->plain);
	if (writing->has_made_file)
		unlink(writing->options.file);
	free(writing->writers);
	free(writing->pools);
}
