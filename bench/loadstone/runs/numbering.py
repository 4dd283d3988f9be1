"""The number of a Run among those of its results directory: the order in which they were made."""

import contextlib
import fcntl
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from loadstone.analysis.chronology import Beginning
from loadstone.durable import cannot_write
from loadstone.file_lock import take_lock_within
from loadstone.runs.run_files import MANIFEST, cannot_read, read_beginning

_WAIT_S = 10.0


@contextlib.contextmanager
def numbering(runs: Path) -> Iterator[tuple[str, int]]:
    """Take the next number in a directory of Runs; no other is given out until the context ends.

    Where its file system has no locks, or another process holds this one for too long, two Runs
    may get the same number; the boot time of each tells them apart.

    Yields:
        The series and the number for a new Run.

    Raises:
        RunError: the directory, or a manifest in it, cannot be looked into.
    """
    try:
        fd = os.open(runs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise cannot_write(runs, error) from error
    try:
        take_lock_within(fd, _WAIT_S)
        yield _next_number(runs)
    finally:
        # Closing alone would leave the lock with a child that was forked meanwhile.
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _next_number(runs: Path) -> tuple[str, int]:
    """Of the series that most Runs here are of: others were copied in."""
    found = [*_beginnings(runs)]
    series = Counter(one.series for one in found if one.series)
    most = max(series.values(), default=0)
    newest = max(
        (one for one in found if one.series and series[one.series] == most),
        key=lambda one: one.sequence,
        default=Beginning(series=secrets.token_hex(8)),
    )
    return newest.series, 1 + max((one.sequence for one in found), default=0)


def _beginnings(runs: Path) -> Iterator[Beginning]:
    try:
        paths = [*runs.iterdir()]
    except OSError as error:
        raise cannot_read(runs, error) from error
    for path in paths:
        # Another user's Run, or one that is removed meanwhile, is no reason not to make one.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            yield read_beginning(path / MANIFEST)
