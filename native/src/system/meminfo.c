/* SPDX-License-Identifier: Apache-2.0 */
#include "system/meminfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/guard.h"
#include "system/text.h"

int ls_meminfo_available(uint64_t *ret)
{
	LS_FREE char *text = malloc(LS_SAMPLE_BYTES);
	const char *line;
	size_t length;
	uint64_t kib;
	int err = text ? ls_text_read("/proc/meminfo", 0, text, &length) : -ENOMEM;

	if (err)
		return err;
	line = strstr(text, "\nMemAvailable:");
	if (!line || sscanf(line, "\nMemAvailable: %" SCNu64, &kib) != 1)
		return -ENODATA;
	*ret = kib * 1024;
	return 0;
}
