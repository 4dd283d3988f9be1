/* SPDX-License-Identifier: Apache-2.0 */
/* What the effects share: reporting an error, and memory. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "calibrate/calibrate.h"
#include "core/record.h"
#include "core/size.h"

int ls_calibration_fail(struct ls_calibration *calibration, int code, const char *step)
{
	const char *file = calibration->options.file;

	return ls_result_fail(calibration->result, code, step, *file ? file : "memory", -1);
}

int ls_calibration_map_fresh(struct ls_calibration *calibration, uint64_t bytes, uint8_t **ret)
{
	void *map = mmap(NULL, ls_size(bytes), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return ls_calibration_fail(calibration, -errno, "mmap");
	*ret = map;
	return 0;
}

void ls_calibration_refuse_huge_pages(uint8_t *memory, uint64_t bytes)
{
	(void)madvise(memory, ls_size(bytes), MADV_NOHUGEPAGE);
}

int ls_calibration_map(struct ls_calibration *calibration, uint64_t bytes, uint8_t **ret)
{
	int err = ls_calibration_map_fresh(calibration, bytes, ret);

	if (err)
		return err;
	ls_calibration_refuse_huge_pages(*ret, bytes);
	memset(*ret, 0x5a, ls_size(bytes));
	return 0;
}

void ls_calibration_unmap(uint8_t **memory, uint64_t bytes)
{
	if (*memory)
		munmap(*memory, ls_size(bytes));
	*memory = NULL;
}
