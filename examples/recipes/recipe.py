"""What all recipes share: the file, through the page cache or around it, memory, and main()."""

import errno
import fcntl
import mmap
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

BLOCK_BYTES = 1 << 20
SHRUNK = "the file shrank: keep it still"


class Model(NamedTuple):
    data: memoryview
    how: str  # it was read
    dmabuf: int = -1  # of the same memory


class Source:
    """A model file.

    Attributes:
        align: that offsets, lengths and addresses need; 1 through the page cache. A page is enough
            for nearly every disk, and Python has no statx before 3.15, which knows more.
    """

    def __init__(self, path: str, *, direct: bool = False) -> None:
        self.align = mmap.PAGESIZE if direct else 1
        try:
            self.fd = os.open(path, os.O_RDONLY | (os.O_DIRECT if direct else 0))
        except OSError as error:
            if error.errno != errno.EINVAL or not direct:
                raise
            self.fd, self.align = os.open(path, os.O_RDONLY), 1
        facts = os.fstat(self.fd)
        self.bytes = facts.st_size
        if not stat.S_ISREG(facts.st_mode) or not self.bytes:
            os.close(self.fd)
            raise OSError(errno.EINVAL, "empty, or no file: take one that holds something")

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    @property
    def how(self) -> str:
        return "direct" if self.align > 1 else "buffered"

    @property
    def room(self) -> int:
        """What memory must hold: the last direct read is of whole blocks."""
        return round_up(self.bytes, mmap.PAGESIZE)

    def leave_direct(self) -> None:
        """From here on through the page cache, which takes any alignment."""
        self.align = 1
        flags = fcntl.fcntl(self.fd, fcntl.F_GETFL)
        fcntl.fcntl(self.fd, fcntl.F_SETFL, flags & ~os.O_DIRECT)

    def read_some(self, memory: memoryview, start: int, end: int, flags: int = 0) -> int:
        """One read; EINTR is Python's own business.

        Raises:
            OSError: ENODATA, where the file ends before ``end``.
        """
        try:
            got = os.preadv(self.fd, [memory[start:end]], start, flags)
        except OSError as error:
            raise failure(error, "preadv") from error
        if not got:
            raise failure(OSError(errno.ENODATA, os.strerror(errno.ENODATA)), "preadv", SHRUNK)
        return got

    def read(self, memory: memoryview, start: int = 0, end: int | None = None) -> None:
        """Read what the file has from start, a multiple of align, to end into memory's same place.

        Where the file system refuses (EINVAL), or a short read ends amid a block, where no direct
        one can begin, it is gone on with through the page cache.
        """
        end = self.bytes if end is None else end
        while start < end:
            stop = min(start + BLOCK_BYTES, round_up(end, self.align))
            try:
                start += self.read_some(memory, start, stop)
            except OSError as error:
                if error.errno != errno.EINVAL or self.align == 1:
                    raise
                self.leave_direct()
            if start < end and start % self.align:
                self.leave_direct()


def failure(error: OSError, step: str, remedy: str = "") -> OSError:
    """The same error with the step that failed, the system's words, and what to do about it."""
    parts = [step, str(error.strerror), *([remedy] if remedy else [])]
    return OSError(error.errno, ": ".join(parts))


def round_up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def allocate(size: int, flags: int = 0) -> mmap.mmap:
    """Anonymous memory that begins at a page. Without MAP_PRIVATE, Python's would be shared."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | flags)


def copied_from(model: Model) -> memoryview:
    """The dma-buf's own mapping, where there is one: what a device would see."""
    if model.dmabuf < 0:
        return model.data
    return memoryview(mmap.mmap(model.dmabuf, len(model.data), prot=mmap.PROT_READ))


def main(load: Callable[[str], Model]) -> None:
    """The two lines are what ``loadstone run command --set ready=said`` waits for."""
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} FILE [COPY]")
    print("loadstone: loading", flush=True)
    try:
        model = load(sys.argv[1])
        print("loadstone: ready", flush=True)
        print(f"{len(model.data)} bytes, {model.how}")
        if len(sys.argv) == 3:
            Path(sys.argv[2]).write_bytes(copied_from(model))
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error.strerror}")
