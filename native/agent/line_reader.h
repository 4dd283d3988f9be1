/* SPDX-License-Identifier: Apache-2.0 */
/* Lines from a descriptor, in memory that is bounded. */
#ifndef LS_LINE_READER_H
#define LS_LINE_READER_H

#include <stddef.h>

struct ls_line_reader {
	int fd;
	char *buffer;
	size_t line_bytes_max;
	size_t start;		/* of what was read and not handed out */
	size_t end;
	int has_ended;
};

/* -ENOMEM */
int ls_line_reader_init(struct ls_line_reader *reader, int fd, size_t line_bytes_max);
void ls_line_reader_deinit(struct ls_line_reader *reader);

/*
 * 1 with the next line, without its newline, good until the next call; 0 at the end;
 * -E2BIG with the beginning of a line that is too long, the rest of which is passed over;
 * another -errno where reading fails. The byte behind the line may be written.
 */
int ls_line_reader_next(struct ls_line_reader *reader, char **line, size_t *bytes);

#endif
