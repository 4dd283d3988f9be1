"""The files of a journal, as whoever cleans finds them: they may be anything."""

import contextlib
import os
import stat
from pathlib import Path

from loadstone.durable import UNDECODABLE, decode
from loadstone.errors import RunError, system_words
from loadstone.provision.journal_lock import SUFFIX, take_lock
from loadstone.provision.record import Entry, Record

UNREADABLE = "unreadable"
"""The kind of an Entry whose file cannot be read; its detail says why."""

_LIMIT_BYTES = 1 << 20


def read_entries(results: Path) -> list[Entry]:
    """All Entries of a journal, oldest first.

    A file that cannot be read is an Entry too, of the kind ``UNREADABLE``.

    Raises:
        RunError: the journal cannot be read.
    """
    directory = results / "journal"
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".json")
        return [entry for path in paths if (entry := _read(path))]
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


def _read(path: Path) -> Entry | None:
    """An Entry, or None where its process has removed it meanwhile."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT_BYTES:
            raise ValueError("it is not a small regular file")
        return Entry(path=path, record=decode(path.read_bytes(), Record))
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        why = f"it is no journal entry: {error}"
    except OSError as error:
        why = f"it cannot be read: {system_words(error.errno or 0)}"
    record = Record(kind=UNREADABLE, name=str(path), pid=0, pid_start=0, detail=why)
    return Entry(path=path, record=record)
