"""Files in pieces that the core takes; what lies wholly in a hole is no piece."""

import errno
import os
from collections.abc import Iterator

from loadstone.layout.walk import RegularFile
from loadstone.model import Noun

PIECE_BYTES = 16 << 20
"""At most; a piece begins at a multiple of it."""


class Piece(Noun, frozen=True, kw_only=True):
    """A part of a file; ``is_last`` says that the file ends with it."""

    path: bytes
    offset: int
    piece_bytes: int
    is_last: bool


def pieces_of(file: RegularFile) -> Iterator[Piece]:
    """The pieces of a file that hold data; none of an empty one.

    Raises:
        OSError: it is sparse and cannot be opened, or where its holes lie cannot be found.
    """
    offsets = _offsets_of_data(file) if file.is_sparse else range(0, file.file_bytes, PIECE_BYTES)
    for offset in offsets:
        piece_bytes = min(PIECE_BYTES, file.file_bytes - offset)
        yield Piece(
            path=file.path,
            offset=offset,
            piece_bytes=piece_bytes,
            is_last=offset + piece_bytes == file.file_bytes,
        )


def _offsets_of_data(file: RegularFile) -> Iterator[int]:
    fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        offset = 0
        while offset < file.file_bytes:
            try:
                data = os.lseek(fd, offset, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return
                raise
            offset = data // PIECE_BYTES * PIECE_BYTES
            if offset < file.file_bytes:
                yield offset
            offset += PIECE_BYTES
    finally:
        os.close(fd)
