"""The file's own pages, mapped and read in."""

import errno
import mmap

from recipe import Model, Source, main

MADV_POPULATE_READ = 22  # Linux 5.14; Python has no name for it


def populate(mapping: mmap.mmap, start: int, size: int) -> None:
    """Read pages in; on an older kernel each is read when it is first touched.

    Raises:
        OSError: EFAULT, where the file shrank or its device failed.
    """
    try:
        mapping.madvise(MADV_POPULATE_READ, start, size)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        sum(memoryview(mapping)[start : start + size : mmap.PAGESIZE])


def map_file(source: Source) -> mmap.mmap:
    return mmap.mmap(source.fd, source.bytes, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)


def load(path: str) -> Model:
    with Source(path) as source:
        mapping = map_file(source)
        populate(mapping, 0, source.bytes)
        return Model(memoryview(mapping), "mapped")


if __name__ == "__main__":
    main(load)
