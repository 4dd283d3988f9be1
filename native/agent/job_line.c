/* SPDX-License-Identifier: Apache-2.0 */
#include "job_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_list.h"

static const double timeout_default_s = 600, timeout_max_s = 1e9;

/* A word that was cut out of its line; offset is -1 where there is no line. */
struct word {
	char *text;
	size_t bytes;
	int64_t offset;
};

int ls_job_line_fail(struct ls_error *error, int code, const char *path, size_t bytes,
		     int64_t offset)
{
	static const char step[] = "job line";

	memset(error, 0, sizeof(*error));
	error->code = code;
	memcpy(error->step, step, sizeof(step));
	if (bytes >= sizeof(error->path))
		bytes = sizeof(error->path) - 1;
	memcpy(error->path, path, bytes);
	error->offset = offset;
	return code;
}

static int fail(struct ls_error *error, int code, const struct word *word)
{
	return ls_job_line_fail(error, code, word->text, word->bytes, word->offset);
}

static void init(struct ls_job_line *line)
{
	memset(line, 0, sizeof(*line));
	line->timeout_s = timeout_default_s;
}

static int parse_timeout(const char *text, double *ret)
{
	char *end;

	/* Neither hexadecimal nor infinity. */
	if (*text < '0' || *text > '9' || text[strspn(text, "0123456789.e+-")])
		return -EINVAL;
	*ret = strtod(text, &end);
	if (*end)
		return -EINVAL;
	return *ret > 0 && *ret <= timeout_max_s ? 0 : -ERANGE;
}

static int set_once(const char **place, const char *value)
{
	if (*place)
		return -EEXIST;
	*place = value;
	return 0;
}

static int set_timeout(struct ls_job_line *line, const char *value)
{
	int err = set_once(&line->timeout, value);

	return err ? err : parse_timeout(value, &line->timeout_s);
}

static int set_cpus(struct ls_job_line *line, const char *value)
{
	int err = set_once(&line->cpus, value);

	return err ? err : ls_cpu_list_parse(value, &line->cpu_set);
}

static int add_sample(struct ls_job_line *line, const char *value)
{
	if (line->samples_count == LS_SAMPLES_MAX)
		return -E2BIG;
	line->samples[line->samples_count++] = value;
	return 0;
}

static int add_option(struct ls_job_line *line, const char *key, const char *value)
{
	for (uint32_t i = 0; i < line->options_count; i++)
		if (!strcmp(line->options[i].key, key))
			return -EEXIST;
	if (line->options_count == LS_JOB_LINE_OPTIONS_MAX)
		return -E2BIG;
	line->options[line->options_count++] = (struct ls_option){ key, value };
	return 0;
}

static int add(struct ls_job_line *line, const char *key, const char *value)
{
	if (!strcmp(key, "operation"))
		return set_once(&line->operation, value);
	if (!strcmp(key, "sample"))
		return add_sample(line, value);
	if (!strcmp(key, "timeout-s"))
		return set_timeout(line, value);
	if (!strcmp(key, "cpus"))
		return set_cpus(line, value);
	return add_option(line, key, value);
}

static int finish(const struct ls_job_line *line, struct ls_error *error)
{
	static const char key[] = "operation";

	return line->operation ? 0 : ls_job_line_fail(error, -ENODATA, key, sizeof(key) - 1, -1);
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The byte that %XX at text stands for; -1 where it is none that a text may have. */
static int encoded_byte(const char *text, size_t bytes)
{
	int high, low;

	if (bytes < 3)
		return -1;
	high = digit_value(text[1]);
	low = digit_value(text[2]);
	return high < 0 || low < 0 || !(high | low) ? -1 : high << 4 | low;
}

/* Before the word is changed, so that an error shows it as it was sent. */
static int check_word(const struct word *word, struct ls_error *error)
{
	for (size_t i = 0; i < word->bytes; i++) {
		unsigned char byte = (unsigned char)word->text[i];
		int err = 0;

		if (byte < ' ' || byte == 0x7f)
			err = -EILSEQ;
		else if (byte == '%' && encoded_byte(word->text + i, word->bytes - i) < 0)
			err = -EINVAL;
		if (err)
			return ls_job_line_fail(error, err, word->text, word->bytes,
						word->offset + (int64_t)i);
	}
	return 0;
}

static void decode(char *text)
{
	char *end = text;

	for (; *text; text++) {
		if (*text == '%') {
			*end++ = (char)encoded_byte(text, 3);
			text += 2;
		} else {
			*end++ = *text;
		}
	}
	*end = '\0';
}

/* The word ends with a NUL by now, and has no other. */
static int take_word(const struct word *word, int is_encoded, struct ls_job_line *line,
		     struct ls_error *error)
{
	char *value = strchr(word->text, '=');
	int err;

	if (!value || value == word->text)
		return fail(error, -EINVAL, word);
	*value++ = '\0';
	if (is_encoded)
		decode(value);
	err = add(line, word->text, value);
	if (!err)
		return 0;
	return ls_job_line_fail(error, err, word->text, strlen(word->text), word->offset);
}

/* The next word of what is left of a line; 0 past the last. */
static int next_word(char *line, size_t bytes, size_t *at, struct word *ret)
{
	size_t start = *at, end;

	while (start < bytes && line[start] == ' ')
		start++;
	for (end = start; end < bytes && line[end] != ' ';)
		end++;
	*ret = (struct word){ line + start, end - start, (int64_t)start };
	*at = end < bytes ? end + 1 : end;
	return end > start;
}

int ls_job_line_parse(char *line, size_t bytes, struct ls_job_line *ret, struct ls_error *error)
{
	struct word word;
	size_t at = 0;
	int err, is_empty = 1;

	init(ret);
	while (next_word(line, bytes, &at, &word)) {
		is_empty = 0;
		err = check_word(&word, error);
		if (err)
			return err;
		word.text[word.bytes] = '\0';
		err = take_word(&word, 1, ret, error);
		if (err)
			return err;
	}
	if (is_empty)
		return ls_job_line_fail(error, -ENOMSG, "", 0, -1);
	return finish(ret, error);
}

int ls_job_line_parse_words(char **words, int count, struct ls_job_line *ret,
			    struct ls_error *error)
{
	init(ret);
	for (int i = 0; i < count; i++) {
		const struct word word = { words[i], strlen(words[i]), -1 };
		int err = take_word(&word, 0, ret, error);

		if (err)
			return err;
	}
	return finish(ret, error);
}
