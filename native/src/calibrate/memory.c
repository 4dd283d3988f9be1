/* SPDX-License-Identifier: Apache-2.0 */
/* Effects of memory: libc's copying and clearing, faults on small and on huge pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calibrate/calibrate.h"
#include "core/arithmetic.h"
#include "core/guard.h"
#include "core/size.h"
#include "system/huge_page.h"

static int map_target(struct ls_calibration *calibration)
{
	calibration->target_bytes = calibration->count * LS_MIB;
	return ls_calibration_map(calibration, calibration->target_bytes, &calibration->target);
}

static int map_both(struct ls_calibration *calibration)
{
	int err = map_target(calibration);

	calibration->source_bytes = calibration->target_bytes;
	return err ? err : ls_calibration_map(calibration, calibration->source_bytes,
					      &calibration->source);
}

/*
 * In pieces of a MiB, as a loader copies; a piece is smaller than what libc copies with non-
 * temporal stores.
 */
static int copy(struct ls_calibration *calibration)
{
	for (uint64_t i = 0; i < calibration->count; i++)
		memcpy(calibration->target + i * LS_MIB, calibration->source + i * LS_MIB, LS_MIB);
	return 0;
}

static int clear(struct ls_calibration *calibration)
{
	for (uint64_t i = 0; i < calibration->count; i++)
		memset(calibration->target + i * LS_MIB, 0, LS_MIB);
	return 0;
}

static void touch(uint8_t *memory, uint64_t bytes, uint64_t step_bytes)
{
	for (uint64_t at = 0; at < bytes; at += step_bytes)
		*(volatile uint8_t *)(memory + at) = 1;
}

static int renew_small_pages(struct ls_calibration *calibration)
{
	int err;

	ls_calibration_unmap(&calibration->target, calibration->target_bytes);
	calibration->target_bytes = calibration->count * (uint64_t)sysconf(_SC_PAGESIZE);
	err = ls_calibration_map_fresh(calibration, calibration->target_bytes,
				       &calibration->target);
	if (!err)
		ls_calibration_refuse_huge_pages(calibration->target, calibration->target_bytes);
	return err;
}

static int touch_small_pages(struct ls_calibration *calibration)
{
	touch(calibration->target, calibration->target_bytes, (uint64_t)sysconf(_SC_PAGESIZE));
	return 0;
}

static int find_huge_page(struct ls_calibration *calibration)
{
	int err = ls_thp_bytes(&calibration->huge_bytes);

	if (err)
		return ls_calibration_fail(calibration, err, "huge page size");
	if (!calibration->huge_bytes)
		return ls_calibration_fail(calibration, -EOPNOTSUPP, "huge pages");
	calibration->count =
		ls_round_up(calibration->count * LS_MIB, calibration->huge_bytes) / LS_MIB;
	return 0;
}

static uint8_t *huge_start(const struct ls_calibration *calibration)
{
	const uint64_t huge = calibration->huge_bytes;

	return calibration->target + (huge - (uintptr_t)calibration->target % huge) % huge;
}

static int renew_huge_pages(struct ls_calibration *calibration)
{
	uint64_t bytes = calibration->count * LS_MIB;
	int err;

	ls_calibration_unmap(&calibration->target, calibration->target_bytes);
	calibration->target_bytes = bytes + calibration->huge_bytes;
	err = ls_calibration_map_fresh(calibration, calibration->target_bytes,
				       &calibration->target);
	if (!err && madvise(huge_start(calibration), ls_size(bytes), MADV_HUGEPAGE))
		err = ls_calibration_fail(calibration, -errno, "MADV_HUGEPAGE");
	return err;
}

static int touch_huge_pages(struct ls_calibration *calibration)
{
	touch(huge_start(calibration), calibration->count * LS_MIB, calibration->huge_bytes);
	return 0;
}

/* One byte of each was touched: the rest is present only where a huge page was allocated. */
static int check_huge_pages(struct ls_calibration *calibration)
{
	const uint64_t bytes = calibration->count * LS_MIB;
	const uint64_t pages = bytes / (uint64_t)sysconf(_SC_PAGESIZE);
	LS_FREE unsigned char *resident = malloc(ls_size(pages));

	if (!resident)
		return ls_calibration_fail(calibration, -ENOMEM, "reserve page map");
	if (mincore(huge_start(calibration), ls_size(bytes), resident))
		return ls_calibration_fail(calibration, -errno, "mincore");
	for (uint64_t i = 0; i < pages; i++)
		if (!(resident[i] & 1))
			return ls_calibration_fail(calibration, -ENOMEM, "huge page fault");
	return 0;
}

const struct ls_effect ls_effect_memcpy = {
	.unit_bytes = LS_MIB, .count = 16, .prepare = map_both, .work = copy,
};

const struct ls_effect ls_effect_memset = {
	.unit_bytes = LS_MIB, .count = 16, .prepare = map_target, .work = clear,
};

const struct ls_effect ls_effect_minor_fault = {
	.count = 512, .renew = renew_small_pages,
	.work = touch_small_pages,
};

const struct ls_effect ls_effect_thp_fault = {
	.unit_bytes = LS_MIB, .count = 16, .prepare = find_huge_page,
	.renew = renew_huge_pages, .work = touch_huge_pages, .check = check_huge_pages,
};
