/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operation claim-device: whether a block device is in use, and what it is. It is
 * opened for writing and exclusively, so that one which is mounted, swapped on, held by
 * another driver or the whole of a partition that is refuses with EBUSY; nothing is
 * written to it.
 */
#include <errno.h>
#include <fcntl.h>

#include "core/guard.h"
#include "core/operation.h"
#include "core/record.h"
#include "system/device.h"

struct options {
	const char *device;
};

static const struct ls_option_spec specs[] = {
	LS_TEXT_OPTION("device", struct options, device, LS_REQUIRED),
	LS_OPTIONS_END,
};

static int run(const struct ls_job *job, struct ls_result *ret)
{
	struct options options = { 0 };
	struct ls_device_info info = { 0 };
	LS_CLOSE int fd = -1;
	int err = ls_options_parse(specs, job, &options, ret);

	if (err)
		return err;
	err = ls_device_query(options.device, &info);
	if (err)
		return ls_result_fail(ret, err, "query device", options.device, -1);
	ls_value_add(ret, "device_bytes", (int64_t)info.bytes);
	ls_value_add(ret, "block_bytes", info.block_bytes);
	ls_value_add(ret, "major", info.major);
	ls_value_add(ret, "minor", info.minor);
	if (info.is_read_only)
		return ls_result_fail(ret, -EROFS, "claim device", options.device, -1);
	fd = open(options.device, O_RDWR | O_EXCL | O_CLOEXEC);
	return fd < 0 ? ls_result_fail(ret, -errno, "claim device", options.device, -1) : 0;
}

const struct ls_operation ls_claim_device_operation = { "claim-device", specs, run };
