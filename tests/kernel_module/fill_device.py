"""/dev/loadstone_fill as any program sees it, without Loadstone's core."""

import contextlib
import ctypes
import fcntl
import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

DEVICE = Path("/dev/loadstone_fill")
MODULE = "loadstone_fill"
SERIAL, OVERLAPPED, ASYNC = range(3)
PINNABLE = 1
PAGE = mmap.PAGESIZE

_IN = ("size", "offset", "length", "block", "batch", "depth", "mode", "flags", "file_fd")
_OUT = (
    *("fd", "queued", "order_8", "order_4", "order_0", "short_reads"),
    *("allocate_ns", "allocated_at", "first_sent_at", "first_read_at", "last_read_at"),
    *("wait_ns", "export_ns", "total_ns"),
)
LAYOUT = struct.Struct("=5Q3IiiI3II8Q")


def number(size_bytes: int) -> int:
    """The ioctl for a struct of that size."""
    return 3 << 30 | size_bytes << 16 | ord("L") << 8 | 0x40


class Filled(NamedTuple):
    """A dma-buf, and what the module says about it."""

    fd: int
    size: int
    told: Mapping[str, int]

    def content(self) -> bytes:
        """All of it, by a mapping."""
        with mapping(self) as view:
            return bytes(view)


@contextlib.contextmanager
def mapping(filled: Filled, access: int = mmap.PROT_READ) -> Iterator[mmap.mmap]:
    with mmap.mmap(filled.fd, filled.size, mmap.MAP_SHARED, access) as view:
        yield view


@contextlib.contextmanager
def device() -> Iterator[int]:
    fd = os.open(DEVICE, os.O_RDWR)
    try:
        yield fd
    finally:
        os.close(fd)


def request(file_fd: int = -1, **fields: int) -> bytearray:
    """The struct; what is not named has a sensible value."""
    length = fields.get("length", 0)
    defaults = {
        "size": max(1, -(-length // PAGE)) * PAGE,
        "block": 1 << 20,
        "batch": 1 << 20,
        "depth": 1,
        "file_fd": file_fd,
    }
    values = defaults | fields
    return bytearray(LAYOUT.pack(*(values.get(name, 0) for name in _IN), *(0 for _ in _OUT)))


@contextlib.contextmanager
def filled(file_fd: int = -1, **fields: int) -> Iterator[Filled]:
    """A dma-buf for the time of the context; raises OSError where the module refuses."""
    words = request(file_fd, **fields)
    with device() as fd:
        fcntl.ioctl(fd, number(len(words)), words)
    values = dict(zip((*_IN, *_OUT), LAYOUT.unpack(words), strict=True))
    try:
        yield Filled(values["fd"], values["size"], values)
    finally:
        os.close(values["fd"])


def remove_module() -> int:
    """delete_module(2) without waiting; 0 or an errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.delete_module(MODULE.encode(), os.O_NONBLOCK) else 0


def references() -> int:
    """How often the module is in use."""
    return int(Path(f"/sys/module/{MODULE}/refcnt").read_text())


def buffers() -> int:
    """How many dma-bufs of the module exist, from debugfs."""
    info = Path("/sys/kernel/debug/dma_buf/bufinfo").read_text()
    return info.count(MODULE)
