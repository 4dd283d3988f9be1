"""The lock on a results directory while Runs are made in it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from loadstone.durable import cannot_write
from loadstone.errors import RunError
from loadstone.interruption import uninterrupted
from loadstone.provision.journal_files import remove_unused_locks

DEFAULT_RESULTS = Path("results")

_TEMPORARY = ("journal", "scratch", "runs")


@contextlib.contextmanager
def results_lock(results: Path) -> Iterator[bool]:
    """Lock a results directory, which is made where there is none.

    The last process that holds the lock removes half-written files of the journal, lock files that
    nothing names and empty directories, and the results directory itself where it was made here
    and is empty.

    Yields:
        Whether another process holds the lock already.

    Raises:
        RunError: it is no directory that can be made or opened.
    """
    fd, is_made = _open(results)
    try:
        is_shared = not _lock(fd, fcntl.LOCK_EX)
        _lock(fd, fcntl.LOCK_SH)
        yield is_shared
    finally:
        with uninterrupted():
            if _lock(fd, fcntl.LOCK_EX):
                _remove_empty(results, is_made)
            os.close(fd)


def _open(results: Path) -> tuple[int, bool]:
    """The directory's descriptor, and whether it was made."""
    is_made = False
    try:
        with contextlib.suppress(FileExistsError):
            results.mkdir(parents=True)
            is_made = True
        return os.open(results, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), is_made
    except OSError as error:
        raise cannot_write(results, error) from error


def _lock(fd: int, kind: int) -> bool:
    """Whether the lock was taken; never so on a file system without locks."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_empty(results: Path, is_made: bool) -> None:
    for draft in (results / "journal").glob("*.tmp"):
        with contextlib.suppress(OSError):
            draft.unlink()
    with contextlib.suppress(RunError):
        remove_unused_locks(results)
    for directory in (*(results / name for name in _TEMPORARY), *([results] if is_made else [])):
        with contextlib.suppress(OSError):
            directory.rmdir()
