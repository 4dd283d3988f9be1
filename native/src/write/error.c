/* SPDX-License-Identifier: Apache-2.0 */
/* Operation folio-write: reporting an error. */
#include "core/record.h"
#include "write/folio_write.h"

int ls_writing_fail(const struct ls_writing *writing, int code, const char *step, int64_t offset)
{
	if (!writing->result)
		return code;
	return ls_result_fail(writing->result, code, step, writing->options.file, offset);
}
