/* SPDX-License-Identifier: Apache-2.0 */
#include "core/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"

static const struct ls_operation *find(const char *name)
{
	for (uint32_t i = 0; name && ls_operations[i]; i++)
		if (!strcmp(ls_operations[i]->name, name))
			return ls_operations[i];
	return NULL;
}

static const struct ls_option_spec *find_spec(const struct ls_option_spec *specs, const char *key)
{
	for (; specs->key; specs++)
		if (!strcmp(specs->key, key))
			return specs;
	return NULL;
}

static const char *given(const struct ls_job *job, const struct ls_option_spec *spec)
{
	for (uint32_t i = 0; i < job->options_count; i++)
		if (!strcmp(job->options[i].key, spec->key))
			return job->options[i].value;
	return spec->default_value;
}

static int parse_number(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	return *end ? -EINVAL : 0;
}

static int parse_choice(const char *text, const char *const *choices, uint64_t *ret)
{
	for (uint64_t position = 0; choices[position]; position++) {
		if (strcmp(choices[position], text))
			continue;
		*ret = position;
		return 0;
	}
	return -EINVAL;
}

static int parse_option(const struct ls_option_spec *spec, const char *text, void *values)
{
	void *place = (char *)values + spec->offset;

	switch (spec->kind) {
	case LS_OPTION_NUMBER:
		return parse_number(text, place);
	case LS_OPTION_CHOICE:
		return parse_choice(text, spec->choices, place);
	case LS_OPTION_TEXT:
		memcpy(place, &text, sizeof(text));
		return 0;
	}
	return -EINVAL;
}

int ls_options_parse(const struct ls_option_spec *specs, const struct ls_job *job,
		     void *values, struct ls_result *ret)
{
	for (uint32_t i = 0; i < job->options_count; i++)
		if (!find_spec(specs, job->options[i].key))
			return ls_result_fail(ret, -ENOENT, "option", job->options[i].key, -1);
	for (; specs->key; specs++) {
		const char *text = given(job, specs);
		int err = text ? parse_option(specs, text, values) : -ENODATA;

		if (err)
			return ls_result_fail(ret, err, "option", specs->key, -1);
	}
	return 0;
}

int ls_option_refuse(struct ls_result *result, const char *key, uint64_t value)
{
	return ls_result_fail(result, -ERANGE, "option", key,
			      value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

int ls_option_check_range(struct ls_result *result, const char *key, uint64_t value,
			  uint64_t least, uint64_t most)
{
	return value < least || value > most ? ls_option_refuse(result, key, value) : 0;
}

int ls_job_run(const struct ls_job *job, struct ls_result *ret)
{
	const struct ls_operation *operation = find(job->operation);
	int err;

	ret->spans_count = ret->values_count = ret->histograms_count = ret->spans_lost = 0;
	memset(&ret->error, 0, sizeof(ret->error));
	if (!operation)
		return ls_result_fail(ret, -ENOSYS, "operation",
				      job->operation ? job->operation : "", -1);
	err = operation->run(job, ret);
	/*
	 * The error that was recorded first is the cause: threads that it cancelled return
	 * another.
	 */
	if (ret->error.code)
		return ret->error.code;
	return err ? ls_result_fail(ret, err, operation->name, "", -1) : 0;
}

const char *ls_operation_name(uint32_t index)
{
	for (uint32_t i = 0; ls_operations[i]; i++)
		if (i == index)
			return ls_operations[i]->name;
	return NULL;
}

int ls_operation_option(const char *name, uint32_t position, struct ls_option_info *ret)
{
	const struct ls_operation *operation = find(name);

	for (uint32_t i = 0; operation && operation->options[i].key; i++) {
		const struct ls_option_spec *spec = &operation->options[i];

		if (i != position)
			continue;
		*ret = (struct ls_option_info){ spec->key, (int32_t)spec->kind, spec->choices,
						 spec->default_value };
		return 0;
	}
	return -ENOENT;
}
