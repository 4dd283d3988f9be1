"""zonefs on a zoned device of ours: a file for each zone, and nothing that is cleaned.

Its only metadata is a super block, which Debian has no program to make. Source: fs/zonefs/zonefs.h
and Documentation/filesystems/zonefs.rst.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from loadstone.errors import CannotMeasureError, system_words
from loadstone.provision.file_system import mounted_file_system
from loadstone.provision.journal import Journal

TYPE = "zonefs"

_BYTES = 4096
_MAGIC = 0x5A4F4653
# Magic, checksum, label, UUID, features; user, group and permissions, for which no feature asks.
_HEAD = struct.Struct("<II64s16sQIII")


@contextlib.contextmanager
def made_zonefs(device: str, where: Path, journal: Journal) -> Iterator[Path]:
    """Make zonefs on an empty zoned device and mount it; unmounted at the end.

    Args:
        where: the mount point, a path of ours (``…/loadstone-…``).

    Yields:
        ``where``: in ``seq`` are files of the sequential zones, named by their number.

    Raises:
        CannotMeasureError: the kernel's part is missing, or the device or it refuses.
    """
    try:
        descriptor = os.open(device, os.O_WRONLY | os.O_EXCL | os.O_SYNC)
        try:
            os.pwrite(descriptor, super_block(), 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CannotMeasureError(
            f"write the super block of zonefs to {device}: {system_words(error.errno or 0)}",
            remedy="its first zone must be a conventional one",
        ) from error
    with mounted_file_system(device, TYPE, "", where, journal):
        yield where


def super_block() -> bytes:
    """A super block without any feature; the kernel's checksum is a CRC-32 that is not inverted."""
    blank = _with_checksum(0)
    return _with_checksum(zlib.crc32(blank) ^ 0xFFFFFFFF)


def _with_checksum(checksum: int) -> bytes:
    head = _HEAD.pack(_MAGIC, checksum, b"loadstone", bytes(16), 0, 0, 0, 0)
    return head.ljust(_BYTES, b"\0")
