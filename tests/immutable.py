"""The immutable attribute of files (chattr +i), as tests give, see and take it."""

import array
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IMMUTABLE_FL = 0x10


def is_immutable(path: Path) -> bool:
    with _opened(path) as fd:
        return bool(_flags(fd) & FS_IMMUTABLE_FL)


def set_immutable(path: Path, on: bool) -> None:
    with _opened(path) as fd:
        flags = _flags(fd) & ~FS_IMMUTABLE_FL | (FS_IMMUTABLE_FL if on else 0)
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, array.array("i", [flags]))


def _flags(fd: int) -> int:
    flags = array.array("i", [0])
    fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    return flags[0]


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)
