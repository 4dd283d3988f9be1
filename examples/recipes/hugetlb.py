"""Huge pages that were reserved, and direct reads into them."""

import errno
import re
from pathlib import Path

from recipe import Model, Source, allocate, failure, main, round_up

MAP_HUGETLB = 0x40000  # x86, arm64, RISC-V; Python has no name for it


def allocate_reserved(size: int) -> memoryview:
    """Of the default size, as MAP_HUGETLB takes it.

    Raises:
        OSError: ENOMEM, where too few are reserved: by mmap, not by a SIGBUS later.
    """
    found = re.search(r"^Hugepagesize: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    if not found:
        raise OSError(errno.ENOTSUP, "no huge pages: take a kernel with CONFIG_HUGETLBFS")
    huge = int(found[1]) << 10
    try:
        return memoryview(allocate(round_up(size, huge), MAP_HUGETLB))
    except OSError as error:
        remedy = f"reserve them, as root: sysctl vm.nr_hugepages={-(-size // huge)}"
        raise failure(error, "mmap", remedy) from error


def load(path: str) -> Model:
    with Source(path, direct=True) as source:
        memory = allocate_reserved(source.room)
        source.read(memory)
        return Model(memory[: source.bytes], source.how)


if __name__ == "__main__":
    main(load)
