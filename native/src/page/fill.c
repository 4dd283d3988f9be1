/* SPDX-License-Identifier: Apache-2.0 */
/* Operation page-classes: what the pages hold. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/guard.h"
#include "page/page_classes.h"
#include "system/file.h"

const char *const ls_page_class_names[] = {
	"zero", "same", "half", "text", "pointers", "fp16", "bf16", "int4", "random", "file", NULL,
};

/* By position in the names; a file is none of them. */
static const enum ls_payload payloads[] = {
	LS_PAYLOAD_ZERO, LS_PAYLOAD_SAME_FILLED, LS_PAYLOAD_HALF,
	LS_PAYLOAD_TEXT, LS_PAYLOAD_POINTER,	 LS_PAYLOAD_FP16,
	LS_PAYLOAD_BF16, LS_PAYLOAD_INT4,	 LS_PAYLOAD_RANDOM,
};

enum { CLASS_FILE = sizeof(payloads) / sizeof(*payloads) };

static int read_pages(const struct ls_pages *pages, int fd, uint64_t there)
{
	const uint64_t stride = there < pages->count ? 1 : there / pages->count;

	for (uint64_t i = 0; i < pages->count; i++) {
		uint64_t offset = i * stride % there * pages->page_bytes;
		int err = ls_file_read(fd, pages->payload + i * pages->page_bytes,
				       pages->page_bytes, offset);

		if (err)
			return ls_result_fail(pages->result, err, "read pages", pages->options.file,
					      (int64_t)offset);
	}
	return 0;
}

static int fill_from_file(const struct ls_pages *pages)
{
	const char *path = pages->options.file;
	LS_CLOSE int fd = -1;
	struct stat file;
	int err = ls_file_stat(path, &file);

	if (!err && (uint64_t)file.st_size < pages->page_bytes)
		err = -ENODATA;
	if (err)
		return ls_result_fail(pages->result, err, "stat pages", path, -1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ls_result_fail(pages->result, -errno, "open pages", path, -1);
	ls_file_report(&file, pages->result);
	return read_pages(pages, fd, (uint64_t)file.st_size / pages->page_bytes);
}

int ls_pages_fill(const struct ls_pages *pages)
{
	uint64_t bytes = ls_pages_bytes(pages), class = pages->options.class;
	int err = class == CLASS_FILE ? fill_from_file(pages) :
		  ls_payload_fill(payloads[class], pages->options.seed, pages->payload, bytes);

	if (!err)
		ls_value_add(pages->result, "payload_crc32c",
			     ls_crc32c_update(0, pages->payload, bytes));
	return err;
}
