/* SPDX-License-Identifier: Apache-2.0 */
#include "command/output.h"

#include <string.h>

static void keep_tail(struct ls_output *output, const char *data, size_t bytes)
{
	const size_t room = sizeof(output->tail);
	size_t kept;

	if (bytes > room) {
		data += bytes - room;
		bytes = room;
	}
	kept = output->tail_bytes < room - bytes ? output->tail_bytes : room - bytes;
	memmove(output->tail, output->tail + output->tail_bytes - kept, kept);
	memcpy(output->tail + kept, data, bytes);
	output->tail_bytes = kept + bytes;
}

static void keep_line(struct ls_output *output, const char *data, size_t bytes)
{
	size_t room = sizeof(output->line);

	if (output->line_bytes + bytes <= room)
		memcpy(output->line + output->line_bytes, data, bytes);
	/* Of a longer one it is only known that it is longer. */
	output->line_bytes = output->line_bytes + bytes <= room ? output->line_bytes + bytes
								: room + 1;
}

static int is_line(const struct ls_output *output, const char *mark)
{
	size_t bytes = output->line_bytes;

	if (bytes > sizeof(output->line))
		return 0;
	while (bytes && strchr(" \t\r", output->line[bytes - 1]))
		bytes--;
	return bytes == strlen(mark) && !memcmp(output->line, mark, bytes);
}

void ls_output_take(struct ls_output *output, const char *data, size_t bytes, struct ls_marks *ret)
{
	output->bytes += bytes;
	keep_tail(output, data, bytes);
	while (bytes) {
		const char *end = memchr(data, '\n', bytes);
		size_t length = end ? (size_t)(end - data) : bytes;

		keep_line(output, data, length);
		if (!end)
			return;
		ret->is_loading |= is_line(output, "loadstone: loading");
		ret->is_ready |= is_line(output, "loadstone: ready");
		output->line_bytes = 0;
		data += length + 1;
		bytes -= length + 1;
	}
}

static int is_blank(char byte)
{
	return byte == '\0' || strchr(" \t\r\n", byte) != NULL;
}

/* Where the first whole line of the tail begins, or character, where there is no such line. */
static size_t whole_start(const struct ls_output *output, size_t end)
{
	const char *newline = memchr(output->tail, '\n', end);
	size_t start = 0;

	if (output->bytes <= output->tail_bytes)
		return 0;
	if (newline)
		return (size_t)(newline - output->tail) + 1;
	/* What continues a character of UTF-8. */
	while (start < end && ((unsigned char)output->tail[start] & 0xc0) == 0x80)
		start++;
	return start;
}

void ls_output_last_words(const struct ls_output *output, char *ret)
{
	size_t start, end = output->tail_bytes;

	while (end && is_blank(output->tail[end - 1]))
		end--;
	start = whole_start(output, end);
	while (start < end && is_blank(output->tail[start]))
		start++;
	memcpy(ret, output->tail + start, end - start);
	ret[end - start] = '\0';
	/* A text ends at its first NUL. */
	for (size_t i = 0; i < end - start; i++)
		if (!ret[i])
			ret[i] = ' ';
}
