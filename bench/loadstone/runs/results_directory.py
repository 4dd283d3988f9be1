"""A results directory while Runs are made in it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from loadstone.durable import cannot_write

DEFAULT_RESULTS = Path("results")

_PASSING = ("journal", "scratch", "runs")


@contextlib.contextmanager
def results_lock(results: Path) -> Iterator[bool]:
    """Hold a results directory, which is made where there is none.

    At the end what a kill left half written in the journal goes, and directories that are empty,
    unless another process holds it too; so does itself, where it was made here.

    Yields:
        Whether another process holds it already.

    Raises:
        RunError: it is no directory that can be made or opened.
    """
    is_made = not results.exists()
    fd = _open(results)
    try:
        is_shared = not _lock(fd, fcntl.LOCK_EX)
        _lock(fd, fcntl.LOCK_SH)
        yield is_shared
    finally:
        if _lock(fd, fcntl.LOCK_EX):
            _sweep(results, is_made)
        os.close(fd)


def _open(results: Path) -> int:
    try:
        with contextlib.suppress(FileExistsError):
            results.mkdir(parents=True)
        return os.open(results, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise cannot_write(results, error) from error


def _lock(fd: int, kind: int) -> bool:
    """Whether the lock was had; a file system without locks never gives any."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(results: Path, is_made: bool) -> None:
    for draft in (results / "journal").glob("*.tmp"):
        with contextlib.suppress(OSError):
            draft.unlink()
    for directory in (*(results / name for name in _PASSING), *([results] if is_made else [])):
        with contextlib.suppress(OSError):
            directory.rmdir()
