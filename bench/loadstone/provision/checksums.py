"""Checksums of a file that is read in Trials, in a file of their own."""

import contextlib
from collections.abc import Iterator

from loadstone.errors import CannotMeasureError, LoadstoneError
from loadstone.model import Job, Noun
from loadstone.provision.jobs import execute, job_error
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import scratch_file
from loadstone.targets import Target

_READ_LIMIT_S = 24 * 3600.0


class Checksums(Noun, frozen=True, kw_only=True):
    """Of the blocks of a file as it was when it was last changed; ``path`` has them.

    ``crc32c`` is of all of them.
    """

    path: str
    mtime_ns: int
    crc32c: int


@contextlib.contextmanager
def checksums_of(
    target: Target,
    journal: Journal,
    file: str,
    error: type[LoadstoneError] = CannotMeasureError,
    remedy: str = "check the path",
) -> Iterator[Checksums]:
    """Read a file once for its checksums; they are gone at the end.

    Args:
        error, remedy: where it cannot be read.

    Raises:
        CannotMeasureError: there is no room for them.
    """
    with scratch_file(target, journal, "checksums") as path:
        options = {"file": file, "output": path}
        job = Job(operation="checksum", options=options, timeout_s=_READ_LIMIT_S)
        outcome = execute(target, job)
        if outcome.error:
            raise job_error(error, outcome.error, remedy)
        yield Checksums(
            path=path, mtime_ns=outcome.values["mtime_ns"], crc32c=outcome.values["crc32c"]
        )
