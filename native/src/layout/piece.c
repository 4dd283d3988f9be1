/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/piece.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/guard.h"
#include "system/file.h"

static int parse_number(const char **text, uint64_t *ret)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(*text, &end, 10);
	if (errno || *end != ':')
		return -EINVAL;
	*text = end + 1;
	return 0;
}

static int digit(char letter)
{
	if (letter >= '0' && letter <= '9')
		return letter - '0';
	return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

/* In place: what it becomes is never longer. */
static int decode(char *path)
{
	char *to = path;

	for (const char *from = path; *from; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = digit(from[1]);
		low = high < 0 ? -1 : digit(from[2]);
		if (low < 0 || !(high * 16 + low))
			return -EINVAL;
		*to++ = (char)(high * 16 + low);
		from += 2;
	}
	*to = '\0';
	return *path ? 0 : -EINVAL;
}

static int parse(char *text, struct ls_piece *ret)
{
	const char *rest = text;
	int err = parse_number(&rest, &ret->offset);

	if (!err)
		err = parse_number(&rest, &ret->bytes);
	if (!err)
		err = parse_number(&rest, &ret->is_last);
	if (err)
		return err;
	if (!ret->bytes || ret->bytes > LS_ENCODER_DATA_MAX || ret->offset > INT64_MAX)
		return -ERANGE;
	ret->path = rest;
	return decode(text + (rest - text));
}

int ls_pieces_parse(char *text, struct ls_piece **ret, uint32_t *count)
{
	char *state = NULL;
	uint32_t most = 1;

	for (const char *letter = text; *letter; letter++)
		most += *letter == ',';
	*count = 0;
	*ret = calloc(most, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (char *word = strtok_r(text, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
		int err = parse(word, &(*ret)[*count]);

		if (err)
			return err;
		(*count)++;
	}
	return *count ? 0 : -EINVAL;
}

int ls_piece_read(const struct ls_piece *piece, uint8_t *data)
{
	/* What was a file may be a FIFO by now, on whose writer nobody waits. */
	LS_CLOSE int fd = open(piece->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		return -errno;
	if (!S_ISREG(stat.st_mode) && !S_ISBLK(stat.st_mode))
		return -EINVAL;
	return ls_file_read(fd, data, piece->bytes, piece->offset);
}
