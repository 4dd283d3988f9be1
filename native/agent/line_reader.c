/* SPDX-License-Identifier: Apache-2.0 */
#include "line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ls_line_reader_init(struct ls_line_reader *reader, int fd, size_t line_bytes_max)
{
	memset(reader, 0, sizeof(*reader));
	reader->fd = fd;
	reader->line_bytes_max = line_bytes_max;
	/* Room for the newline, or for what the caller writes in its place. */
	reader->buffer = malloc(line_bytes_max + 1);
	return reader->buffer ? 0 : -ENOMEM;
}

void ls_line_reader_deinit(struct ls_line_reader *reader)
{
	free(reader->buffer);
	reader->buffer = NULL;
}

/* Reads what is available to position at of the buffer; 0 at the end. */
static int fill_from(struct ls_line_reader *reader, size_t at)
{
	ssize_t got;

	do {
		got = read(reader->fd, reader->buffer + at, reader->line_bytes_max + 1 - at);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	reader->end = at + (size_t)got;
	reader->has_ended = !got;
	return got > 0;
}

/* Moves what is buffered to the front, so that there is room after it. */
static int fill(struct ls_line_reader *reader)
{
	size_t held = reader->end - reader->start;

	memmove(reader->buffer, reader->buffer + reader->start, held);
	reader->start = 0;
	reader->end = held;
	return fill_from(reader, held);
}

/* Up to the next newline; of the line itself the first kept bytes stay. */
static int pass_over(struct ls_line_reader *reader, size_t kept)
{
	char *newline = NULL;

	while (!newline) {
		int got = fill_from(reader, kept);

		reader->start = reader->end;
		if (got <= 0)
			return got;
		newline = memchr(reader->buffer + kept, '\n', reader->end - kept);
	}
	reader->start = (size_t)(newline - reader->buffer) + 1;
	return 0;
}

static int refuse(struct ls_line_reader *reader, char **line, size_t *bytes)
{
	int err;

	*line = reader->buffer;
	*bytes = reader->line_bytes_max / 2;
	err = pass_over(reader, *bytes);
	return err ? err : -E2BIG;
}

int ls_line_reader_next(struct ls_line_reader *reader, char **line, size_t *bytes)
{
	size_t searched = 0;

	for (;;) {
		size_t held = reader->end - reader->start;
		char *begin = reader->buffer + reader->start;
		char *newline = memchr(begin + searched, '\n', held - searched);
		int got;

		if (newline || (reader->has_ended && held)) {
			*line = begin;
			*bytes = newline ? (size_t)(newline - begin) : held;
			reader->start += *bytes + (newline ? 1 : 0);
			return 1;
		}
		if (reader->has_ended)
			return 0;
		if (held > reader->line_bytes_max)
			return refuse(reader, line, bytes);
		searched = held;
		got = fill(reader);
		if (got < 0)
			return got;
	}
}
