/* SPDX-License-Identifier: Apache-2.0 */
#include "system/meminfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/guard.h"
#include "system/text.h"

static int read_bytes(const char *name, uint64_t *ret)
{
	LS_FREE char *text = malloc(LS_SAMPLE_BYTES);
	const char *line;
	size_t length;
	int err = text ? ls_text_read("/proc/meminfo", 0, text, &length) : -ENOMEM;

	if (err)
		return err;
	line = strstr(text, name);
	if (!line || sscanf(line + strlen(name), ": %" SCNu64, ret) != 1)
		return -ENODATA;
	*ret *= 1024;
	return 0;
}

int ls_meminfo_total(uint64_t *ret)
{
	return read_bytes("MemTotal", ret);
}

int ls_meminfo_available(uint64_t *ret)
{
	return read_bytes("MemAvailable", ret);
}
