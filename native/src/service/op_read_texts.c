/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation read-texts: the texts of the job's sample files, all at once, as their before;
 * empty where one cannot be read. Outside of any timed region.
 */
#include "core/operation.h"
#include "system/text.h"

static const struct ls_option_spec specs[] = {
	LS_OPTIONS_END,
};

static int run(const struct ls_job *job, struct ls_result *ret)
{
	int err = ls_options_parse(specs, job, NULL, ret);

	if (err)
		return err;
	ls_samples_read(job, ret->before);
	return 0;
}

const struct ls_operation ls_read_texts_operation = { "read-texts", specs, run };
