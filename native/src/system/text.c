/* SPDX-License-Identifier: Apache-2.0 */
#include "system/text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/guard.h"

int ls_text_read(const char *path, uint64_t offset, char *text, size_t *ret)
{
	LS_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*ret = 0;
	text[0] = '\0';
	if (fd < 0 || (offset && lseek(fd, (off_t)offset, SEEK_SET) < 0))
		return -errno;
	while (*ret < LS_SAMPLE_BYTES - 1) {
		ssize_t got = read(fd, text + *ret, LS_SAMPLE_BYTES - 1 - *ret);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		*ret += (size_t)got;
		text[*ret] = '\0';
	}
	return 0;
}

size_t ls_text_lines(const char *text, size_t length)
{
	while (length && text[length - 1] != '\n')
		length--;
	return length;
}

/* A line that is cut off would show a figure that is none. */
static void read_sample(const char *path, char *text)
{
	size_t length;

	(void)ls_text_read(path, 0, text, &length);
	if (length == LS_SAMPLE_BYTES - 1)
		text[ls_text_lines(text, length)] = '\0';
}

void ls_samples_read(const struct ls_job *job, char *texts)
{
	for (uint32_t i = 0; i < job->samples_count; i++)
		read_sample(job->samples[i], texts + (size_t)i * LS_SAMPLE_BYTES);
}
