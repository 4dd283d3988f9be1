"""Through the page cache and out of it at once: RWF_DONTCACHE, or by hand where there is none."""

import errno
import os

from recipe import BLOCK_BYTES, Model, Source, allocate, main

RWF_DONTCACHE = 0x80  # Python has no name for it


def load(path: str) -> Model:
    with Source(path) as source:
        memory = memoryview(allocate(source.room))
        done, flags = 0, RWF_DONTCACHE
        while done < source.bytes:
            try:
                end = min(done + BLOCK_BYTES, source.bytes)
                done += source.read_some(memory, done, end, flags)
            except OSError as error:
                if not flags or error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
                flags = 0
            # Also what others have of it in the page cache, which RWF_DONTCACHE leaves alone.
            if not flags:
                os.posix_fadvise(source.fd, 0, done, os.POSIX_FADV_DONTNEED)
        way = "RWF_DONTCACHE" if flags else "POSIX_FADV_DONTNEED"
        return Model(memory[: source.bytes], f"buffered, {way}")


if __name__ == "__main__":
    main(load)
