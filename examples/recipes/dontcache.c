/* SPDX-License-Identifier: Apache-2.0 */
/* Through the page cache and out of it at once: RWF_DONTCACHE, or by hand where there is none. */
#include "source.h"

#include <sys/uio.h>

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif

int load(const char *path, struct model *model)
{
	int flags = RWF_DONTCACHE;
	SOURCE source;
	int err = open_source(model, path, 0, &source);

	if (!err)
		err = map_memory(model, room(&source), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t done = 0; !err && done < source.bytes;) {
		size_t rest = source.bytes - done;
		struct iovec part = { model->data + done, rest < BLOCK_BYTES ? rest : BLOCK_BYTES };
		ssize_t got = preadv2(source.fd, &part, 1, (off_t)done, flags);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EOPNOTSUPP || errno == EINVAL) && flags) {
			flags = 0;
			continue;
		}
		if (got <= 0)
			return fail(model, got ? errno : ENODATA, "preadv2",
				    got ? NULL : "the file shrank: keep it still");
		done += (size_t)got;
		/* Also what others have of it in the page cache, which RWF_DONTCACHE leaves alone. */
		if (!flags)
			err = -posix_fadvise(source.fd, 0, (off_t)done, POSIX_FADV_DONTNEED);
	}
	model->how = flags ? "buffered, RWF_DONTCACHE" : "buffered, POSIX_FADV_DONTNEED";
	return err ? fail(model, -err, "posix_fadvise", NULL) : 0;
}
