/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what text.c reads of a file from a byte on: an errno, or length and whole lines. */
#include "system/text.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
	char *text = malloc(LS_SAMPLE_BYTES);
	size_t length = 0;
	int err = -EINVAL;

	if (count == 3 && text)
		err = ls_text_read(words[1], strtoull(words[2], NULL, 10), text, &length);

	if (err)
		printf("%d\n", -err);
	else
		printf("%zu %zu %zu\n", length, strlen(text), ls_text_lines(text, length));
	free(text);
	return 0;
}
