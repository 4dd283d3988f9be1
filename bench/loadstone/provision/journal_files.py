"""The files of a journal, as whoever cleans finds them: they may be anything."""

import contextlib
import grp
import os
import pwd
import stat
from pathlib import Path

from loadstone.durable import UNDECODABLE, decode
from loadstone.errors import RunError, system_words
from loadstone.provision.journal_lock import SUFFIX, take_lock
from loadstone.provision.record import Entry, Record

UNREADABLE = "unreadable"
"""The kind of an Entry whose file cannot be read; its detail says why."""

_LIMIT_BYTES = 1 << 20
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def read_entries(results: Path) -> list[Entry]:
    """All Entries of a journal, oldest first.

    A file that cannot be read is an Entry too, of the kind ``UNREADABLE``.

    Raises:
        RunError: the journal cannot be read.
    """
    directory = results / "journal"
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".json")
        distrust = _other_writer(directory, directory.stat())
        return [entry for path in paths if (entry := _read(path, distrust))]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"cannot read {directory}: {system_words(error.errno or 0)}",
            remedy="give yourself access to it",
        ) from error


def lock_path(entry: Entry) -> Path | None:
    """Where the lock file of an Entry is: beside it, whatever directory the Record tells."""
    name = entry.record.lock.rpartition("/")[2]
    return entry.path.with_name(name) if name.endswith(SUFFIX) and "\0" not in name else None


def remove_unused_locks(results: Path) -> None:
    """Remove the lock files that nobody holds and no Entry names."""
    named = {lock_path(entry) for entry in read_entries(results)}
    for path in sorted((results / "journal").glob(f"*{SUFFIX}")):
        if path not in named and (fd := take_lock(path)) is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            os.close(fd)


def _read(path: Path, distrust: str) -> Entry | None:
    """An Entry, or None where its process has removed it meanwhile."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError("it is not a small regular file")
        # Who wrote it is asked of the file that is read, whatever has its name a moment later.
        with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT_BYTES:
                raise ValueError("it is not a small regular file")
            record = decode(stream.read(_LIMIT_BYTES), Record)
        return Entry(path=path, record=record, distrust=distrust or _other_writer(path, status))
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        why = f"it is no journal entry: {error}"
    except OSError as error:
        why = f"it cannot be read: {system_words(error.errno or 0)}"
    record = Record(kind=UNREADABLE, name=str(path), pid=0, pid_start=0, detail=why)
    return Entry(path=path, record=record)


def _other_writer(path: Path, status: os.stat_result) -> str:
    """Why a file, or what lies in a directory, may be the work of somebody else; else empty."""
    if status.st_uid not in (0, os.geteuid()):
        return f"{path} is of user {status.st_uid}, and this is user {os.geteuid()}"
    is_groups = status.st_mode & stat.S_IWGRP and not _is_private_group(status)
    if is_groups or status.st_mode & stat.S_IWOTH:
        return f"others may write to {path}"
    return ""


def _is_private_group(status: os.stat_result) -> bool:
    """Whether the owner of a file is alone in its group, as distributions set users up."""
    try:
        user, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    is_own = user.pw_gid == group.gr_gid and user.pw_name == group.gr_name
    return is_own and set(group.gr_mem) <= {user.pw_name}
