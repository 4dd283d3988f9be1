"""Anonymous memory in transparent huge pages, and direct reads into it."""

import contextlib
import ctypes
import mmap
from pathlib import Path

from recipe import Model, Source, allocate, main

SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")


def allocate_huge(size: int) -> memoryview:
    """Room that begins at a multiple of a huge page and ends with a whole one."""
    huge = int(SIZE.read_text()) if SIZE.exists() else mmap.PAGESIZE
    memory = allocate(size + 2 * huge)
    # A kernel without answers EINVAL; then all is in small pages, slower and no less right.
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    start = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % huge
    return memoryview(memory)[start : start + size]


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memory = allocate_huge(source.room)
        source.read(memory)
        return Model(memory[: source.bytes], source.how)


if __name__ == "__main__":
    main(load)
