"""Writing files so that a kill or a full disk leaves the old file or the new one, never a part."""

import contextlib
import errno
import os
import secrets
from collections.abc import Collection, Mapping
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
    draft = _draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_new(draft, data)
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        _unlink(draft)
        raise cannot_write(path, error) from error


def _draft_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


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
    real = _real_path(path, what, suffixes)
    try:
        write_atomically(real, data)
    except RunError as error:
        raise _cannot_write(path, what, error.__cause__ or error) from error


def write_set(files: Mapping[Path, bytes], what: str, remedy: str) -> None:
    """Write files that belong together: all of them, or none; earlier ones are replaced.

    Args:
        files: by their paths, which are in one directory.
        what: the files' type, for errors: ``picture``.
        remedy: what to do where they cannot be written.

    Raises:
        UsageError: a file of another type, or a directory, has one of the names.
        RunError: one of them cannot be written; nothing was replaced, and nothing new stays.
    """
    reals = {path: _real_path(path, what, (path.suffix,), remedy) for path in files}
    with contextlib.ExitStack() as undo:
        drafts = {}
        for path, data in files.items():
            draft = drafts[path] = _draft_of(reals[path])
            undo.callback(_unlink, draft)
            try:
                _write_new(draft, data)
            except OSError as error:
                raise _cannot_write(path, what, error, remedy) from error
        for path, draft in drafts.items():
            try:
                draft.replace(reals[path])
                sync_directory(reals[path].parent)
            except OSError as error:
                raise _cannot_write(path, what, error, remedy) from error


def _real_path(path: Path, what: str, suffixes: Collection[str], remedy: str | None = None) -> Path:
    """Where a file is to be written, which nothing of another type is in the way of."""
    try:
        # Write through a symbolic link, as an ordinary write does.
        real = path.resolve()
        if real.exists() and not (real.is_file() and real.suffix.lower() in suffixes):
            ending = next(iter(suffixes))
            raise UsageError(
                f"{path} exists and is no {what}",
                remedy=remedy or f"name a file that ends in {ending}",
            )
        if not real.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "", str(real.parent))
    except (OSError, RuntimeError) as error:
        raise _cannot_write(path, what, error, remedy) from error
    return real


def _cannot_write(
    path: Path, what: str, cause: BaseException, remedy: str | None = None
) -> RunError:
    code = (cause.errno or 0) if isinstance(cause, OSError) else 0
    words = system_words(code) if code else str(cause)
    remedy = remedy or "name another file with -o"
    if code in (errno.ENOSPC, errno.EDQUOT):
        remedy = f"free space, or {remedy}"
    return RunError(f"cannot write the {what} {path}: {words}", remedy=remedy)


def sync_file(path: Path) -> None:
    """Have all of a file on the disk, so that nothing of it is written later."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
