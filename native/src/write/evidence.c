/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: what the writes left in the page cache. */
#include "core/record.h"
#include "system/cache.h"
#include "system/folio.h"
#include "write/folio_write.h"

/* Dirty bytes first, as writeback makes them fewer. */
void ls_writing_report_cache(const struct ls_writing *writing)
{
	struct ls_folio_survey survey;
	int64_t dirty = -1, resident = -1;
	uint64_t end = ls_writing_end(writing);
	int has_dirty = !ls_cache_dirty(writing->plain, end, &dirty);
	int has_resident = !ls_cache_resident(writing->plain, end, &resident);
	int has_folios = !ls_folio_survey(writing->plain, end, &survey);

	if (!has_dirty)
		dirty = has_folios ? (int64_t)survey.dirty_bytes : -1;
	ls_value_add(writing->result, "dirty_bytes", dirty);
	ls_value_add(writing->result, "cached_after_bytes", has_resident ? resident : -1);
	if (has_folios)
		ls_folio_report(&survey, writing->result);
	else
		ls_folio_report_unknown(writing->result);
}
