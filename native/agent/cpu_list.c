/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu_list.h"

#include <errno.h>

static int parse_number(const char **text, unsigned int *ret)
{
	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (*ret = 0; **text >= '0' && **text <= '9'; (*text)++) {
		*ret = *ret * 10 + (unsigned int)(**text - '0');
		if (*ret >= CPU_SETSIZE)
			return -ERANGE;
	}
	return 0;
}

/* N or N-M. */
static int parse_range(const char **text, cpu_set_t *ret)
{
	unsigned int first, last;
	int err = parse_number(text, &first);

	if (err)
		return err;
	last = first;
	if (**text == '-') {
		(*text)++;
		err = parse_number(text, &last);
	}
	if (err || last < first)
		return err ? err : -EINVAL;
	for (; first <= last; first++)
		CPU_SET(first, ret);
	return 0;
}

int ls_cpu_list_parse(const char *text, cpu_set_t *ret)
{
	int err;

	CPU_ZERO(ret);
	for (;;) {
		err = parse_range(&text, ret);
		if (err || !*text)
			return err;
		if (*text++ != ',')
			return -EINVAL;
	}
}
