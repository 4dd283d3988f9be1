"""What lies in directories: every inode once, as lstat has it, and nothing is opened."""

import os
import stat
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from loadstone.errors import UsageError, system_words
from loadstone.model import Noun
from loadstone.text import printable

BLOCK_BYTES = 4096
"""A block of EROFS and of F2FS."""

_DIRENT_BYTES = 12
_OWN_NAMES = (b".", b"..")
_WIDEST_ID = 0xFFFF


class RegularFile(Noun, frozen=True, kw_only=True):
    """A file.

    ``is_sparse`` says that it has fewer blocks than bytes; ``has_wide_owner`` that its user or
    group is above 65535.
    """

    path: bytes
    file_bytes: int
    is_sparse: bool
    has_wide_owner: bool


class Directory(Noun, frozen=True, kw_only=True):
    """A directory whose entries were all listed; ``dirents_bytes`` as EROFS has them."""

    dirents_bytes: int
    has_wide_owner: bool


class SymbolicLink(Noun, frozen=True, kw_only=True):
    """A symbolic link, which is not followed."""

    target_bytes: int
    has_wide_owner: bool


class Special(Noun, frozen=True, kw_only=True):
    """A device, a FIFO or a socket."""

    has_wide_owner: bool


class HardLink(Noun, frozen=True, kw_only=True):
    """Another name of an inode that was found before."""


class MountPoint(Noun, frozen=True, kw_only=True):
    """A directory of another file system, which is left out."""


class Unseen(Noun, frozen=True, kw_only=True):
    """What could not be looked at: ``code`` is a positive errno."""

    path: bytes
    code: int


Found = RegularFile | Directory | SymbolicLink | Special | HardLink | MountPoint | Unseen


def walk(paths: Sequence[str]) -> Iterator[Found]:
    """All that lies at some paths and below; those themselves may be links.

    Of names that are no UTF-8 the bytes are kept. Memory is needed for directories that are still
    to be listed, and for inodes with several names.

    Raises:
        UsageError: a path does not exist, is no file or directory, or lies in another.
    """
    known: set[tuple[int, int]] = set()
    for path in _separate(paths):
        try:
            status = path.stat()
        except OSError as error:
            raise UsageError(
                f"stat {printable(str(path))}: {system_words(error.errno or 0)}",
                remedy="name a directory, a file or an image that is there",
            ) from error
        name = os.fsencode(path)
        if stat.S_ISDIR(status.st_mode):
            yield from _walk_directory(name, status, known)
        elif stat.S_ISREG(status.st_mode):
            yield _inode(name, status, known)
        else:
            raise UsageError(
                f"{printable(str(path))} is neither a file nor a directory",
                remedy="name a file, such as an image of the device, or a directory",
            )


def _separate(paths: Sequence[str]) -> list[Path]:
    """The same, sorted, without links in them; none lies in another."""
    real = sorted(Path(path).resolve() for path in paths)
    for one, other in pairwise(real):
        if other.is_relative_to(one):
            raise UsageError(
                f"{printable(str(other))} lies in {printable(str(one))}"
                if one != other
                else f"{printable(str(one))} is given twice",
                remedy="leave it out",
            )
    return real


def _walk_directory(
    top: bytes, status: os.stat_result, known: set[tuple[int, int]]
) -> Iterator[Found]:
    waiting = [(top, _has_wide_owner(status))]
    while waiting:
        path, has_wide_owner = waiting.pop()
        dirents_bytes = 0
        for name in _OWN_NAMES:
            dirents_bytes = _with_dirent(dirents_bytes, name)
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    dirents_bytes = _with_dirent(dirents_bytes, entry.name)
                    found = _look(entry, status.st_dev, known)
                    if isinstance(found, os.stat_result):
                        waiting.append((entry.path, _has_wide_owner(found)))
                    else:
                        yield found
        except OSError as error:
            yield Unseen(path=path, code=error.errno or 0)
        else:
            yield Directory(dirents_bytes=dirents_bytes, has_wide_owner=has_wide_owner)


def _look(
    entry: "os.DirEntry[bytes]", device: int, known: set[tuple[int, int]]
) -> Found | os.stat_result:
    """What an entry is; of a directory that is to be listed, its status."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Unseen(path=entry.path, code=error.errno or 0)
    if not stat.S_ISDIR(status.st_mode):
        return _inode(entry.path, status, known)
    return status if status.st_dev == device else MountPoint()


def _inode(path: bytes, status: os.stat_result, known: set[tuple[int, int]]) -> Found:
    if status.st_nlink > 1:
        identity = (status.st_dev, status.st_ino)
        if identity in known:
            return HardLink()
        known.add(identity)
    has_wide_owner = _has_wide_owner(status)
    if stat.S_ISLNK(status.st_mode):
        return SymbolicLink(target_bytes=status.st_size, has_wide_owner=has_wide_owner)
    if not stat.S_ISREG(status.st_mode):
        return Special(has_wide_owner=has_wide_owner)
    return RegularFile(
        path=path,
        file_bytes=status.st_size,
        is_sparse=status.st_blocks * 512 < status.st_size,
        has_wide_owner=has_wide_owner,
    )


def _has_wide_owner(status: os.stat_result) -> bool:
    return max(status.st_uid, status.st_gid) > _WIDEST_ID


def _with_dirent(dirents_bytes: int, name: bytes) -> int:
    """With one entry more, which lies in one block."""
    entry_bytes = _DIRENT_BYTES + len(name)
    left_bytes = -dirents_bytes % BLOCK_BYTES
    if left_bytes < entry_bytes and dirents_bytes % BLOCK_BYTES:
        dirents_bytes += left_bytes
    return dirents_bytes + entry_bytes
