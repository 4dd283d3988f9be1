"""Writing files so that a kill or a full disk leaves the old file or the new one, never a part."""

import contextlib
import errno
import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

import msgspec

from loadstone.errors import RunError, UsageError, system_words
from loadstone.text import printable

UNDECODABLE = (ValueError, OverflowError, RecursionError)
"""What ``decode`` raises for bytes that are not of the kind asked for."""

_REMEDIES = {
    errno.ENOSPC: "free space or name another with --results",
    errno.EDQUOT: "free space or name another with --results",
    errno.EROFS: "name a writable directory with --results",
    errno.EACCES: "name a directory that you may write with --results",
    errno.EPERM: "name a directory that you may write with --results",
    errno.ELOOP: "replace the symbolic link by what it points to",
}

_T = TypeVar("_T")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a new file below the results directory: whole and on the disk, or not at all.

    Raises:
        RunError: it could not be written.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise cannot_write(path, error) from error


def sync_directory(path: Path) -> None:
    """Write the names in a directory to the disk (fsync).

    Raises:
        OSError: the system could not.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def cannot_write(path: Path, error: OSError) -> RunError:
    """The error where writing below the results directory failed."""
    remedy = _REMEDIES.get(error.errno or 0, "name another directory with --results")
    return RunError(f"cannot write {path}: {system_words(error.errno or 0)}", remedy=remedy)


def encode(noun: msgspec.Struct, path: Path) -> bytes:
    """A noun as JSON for a file, which is sure to be readable again.

    Raises:
        RunError: it holds what JSON or a reader does not take.
    """
    try:
        data = msgspec.json.encode(noun)
        decode(data, type(noun))
    except UNDECODABLE as error:
        name = type(noun).__name__
        raise RunError(
            f"cannot keep a {name} in {path}: {error}",
            remedy="use names in UTF-8 and numbers below 2^63; nothing was written",
        ) from error
    return data


def require_unicode(path: str) -> None:
    """Refuse a name that no Run could record.

    Raises:
        UsageError: it is not UTF-8.
    """
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise not_unicode(error) from None


def not_unicode(error: UnicodeEncodeError) -> UsageError:
    """The error where a name that is not UTF-8 was to be recorded."""
    return UsageError(
        f"{printable(error.object)}: the name is not UTF-8, so a Run cannot record it",
        remedy="rename it, give a file a second name with ln, or name another directory",
    )


def decode(data: bytes, kind: type[_T]) -> _T:
    """Read JSON of that kind; what it may raise is ``UNDECODABLE``."""
    noun = msgspec.json.decode(data, type=kind)
    # MessagePack refuses integers beyond 64 bits, which JSON accepts and no counter can hold.
    msgspec.msgpack.encode(noun)
    return noun


def write_named(path: Path, data: bytes, what: str, suffixes: Collection[str]) -> None:
    """Write a file atomically; an earlier one of its type is replaced, and no other file.

    Args:
        what: the file's type, for errors: ``report``.
        suffixes: that a file of this type has; the first is proposed.

    Raises:
        UsageError: a file of another type, or a directory, has that name.
        RunError: it cannot be written.
    """
    try:
        # Write through a symbolic link, as an ordinary write does.
        real = path.resolve()
        if real.exists() and not (real.is_file() and real.suffix.lower() in suffixes):
            ending = next(iter(suffixes))
            raise UsageError(
                f"{path} exists and is no {what}", remedy=f"name a file that ends in {ending}"
            )
        if not real.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "", str(real.parent))
    except (OSError, RuntimeError) as error:
        raise _cannot_write(path, what, error) from error
    try:
        write_atomically(real, data)
    except RunError as error:
        raise _cannot_write(path, what, error.__cause__ or error) from error


def _cannot_write(path: Path, what: str, cause: BaseException) -> RunError:
    words = system_words(cause.errno or 0) if isinstance(cause, OSError) else str(cause)
    return RunError(f"cannot write the {what} {path}: {words}", remedy="name another file with -o")


def sync_file(path: Path) -> None:
    """Have all of a file on the disk, so that nothing of it is written later."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
