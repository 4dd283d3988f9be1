"""The file that is loaded: the user's own, opened read-only, or one made for the Run."""

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError, system_words
from loadstone.explain import describe
from loadstone.journal import Journal
from loadstone.model import CoreError, Job, Noun, Outcome, Subject
from loadstone.targets import Target
from loadstone.units import format_bytes_rounded

Say = Callable[[str], None]

DEFAULT_BYTES = 1 << 30
_LEAST_BYTES = 1 << 20
# What is left free of the disk, and of the memory that a destination takes.
_DISK_SHARE = 0.5
_MEMORY_SHARE = 0.25
_READ_LIMIT_S = 24 * 3600.0

_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EACCES: "run as a user who may read it, or chmod a+r",
    errno.EISDIR: "name a file in it",
    errno.EINVAL: "name a regular file",
    errno.ENOSPC: "free space, take a smaller --size, or another --dir",
    errno.EROFS: "name a writable directory with --dir",
}


class ModelFile(Noun, frozen=True, kw_only=True):
    """A file as it was when the Run began; times in ns, ``checksums`` a path on the Target."""

    path: str
    bytes: int
    allocated_bytes: int
    inode: int
    mtime_ns: int
    checksums: str
    crc32c: int
    is_made: bool

    @property
    def hole_bytes(self) -> int:
        """Bytes that no block of the device holds."""
        return max(0, self.bytes - self.allocated_bytes)


@contextlib.contextmanager
def model_file(target: Target, subject: Subject, journal: Journal, say: Say) -> Iterator[ModelFile]:
    """The subject's file, or one that is made (always the same bytes) and removed at the end.

    Raises:
        UsageError: the file cannot be loaded: missing, no regular file, empty, unreadable.
        CannotMeasureError: no file can be made: no room, no permission.
    """
    with contextlib.ExitStack() as stack:
        if subject.file is None:
            path = stack.enter_context(_made_file(target, subject, journal, say))
        else:
            path = os.path.realpath(subject.file)
        checksums = stack.enter_context(_scratch_file(target, journal, "checksums"))
        yield _inspect(target, path, checksums, subject.file is None, say)


@contextlib.contextmanager
def _scratch_file(
    target: Target, journal: Journal, what: str, directory: Path | None = None
) -> Iterator[str]:
    place = directory if directory is not None else target.scratch()
    path = str(place / f"loadstone-{what}-{os.getpid()}-{secrets.token_hex(4)}")
    entry = journal.entry("file", path)
    try:
        yield path
    finally:
        target.remove_file(path)
        entry.strike()


@contextlib.contextmanager
def _made_file(target: Target, subject: Subject, journal: Journal, say: Say) -> Iterator[str]:
    directory = Path(subject.directory) if subject.directory else target.scratch()
    size_bytes = _affordable_bytes(directory, subject.size_bytes, say)
    with _scratch_file(target, journal, "model", directory) as path:
        say(f"making {format_bytes_rounded(size_bytes)} of incompressible model in {path}")
        options = {"file": path, "bytes": str(size_bytes)}
        outcome = _execute(target, Job(operation="make-file", options=options))
        if outcome.error:
            raise _error(CannotMeasureError, outcome.error)
        yield path


def _affordable_bytes(directory: Path, asked_bytes: int | None, say: Say) -> int:
    if asked_bytes is not None:
        return asked_bytes
    try:
        disk = os.statvfs(directory)
    except OSError as error:
        raise UsageError(
            f"--dir {directory}: {system_words(error.errno or 0)}; name a directory that is there"
        ) from error
    import psutil

    disk_bytes = int(disk.f_bavail * disk.f_frsize * _DISK_SHARE)
    memory_bytes = int(psutil.virtual_memory().available * _MEMORY_SHARE)
    size_bytes = min(DEFAULT_BYTES, disk_bytes, memory_bytes) // _LEAST_BYTES * _LEAST_BYTES
    if size_bytes < _LEAST_BYTES:
        raise CannotMeasureError(
            f"{directory}: no room for a model file of 1 MiB; free space or name another --dir"
        )
    if size_bytes < DEFAULT_BYTES:
        what = "disk" if disk_bytes < memory_bytes else "memory"
        say(f"{what} is short: the model is {format_bytes_rounded(size_bytes)}, not 1 GiB")
    return size_bytes


def _inspect(target: Target, path: str, checksums: str, is_made: bool, say: Say) -> ModelFile:
    say(f"reading {path} once for its checksums")
    options = {"file": path, "output": checksums}
    outcome = _execute(target, Job(operation="checksum", options=options, timeout_s=_READ_LIMIT_S))
    if outcome.error:
        raise _error(UsageError, outcome.error)
    values = outcome.values
    return ModelFile(
        path=path,
        bytes=values["file_bytes"],
        allocated_bytes=values["allocated_bytes"],
        inode=values["inode"],
        mtime_ns=values["mtime_ns"],
        checksums=checksums,
        crc32c=values["crc32c"],
        is_made=is_made,
    )


def _execute(target: Target, job: Job) -> Outcome:
    outcome = target.execute(job)
    if outcome.death:
        raise LoadstoneError(f"{job.operation} on {target.name}: {outcome.death}")
    return outcome


def _error(kind: type[LoadstoneError], error: CoreError) -> LoadstoneError:
    if error.code == errno.ENODATA:
        return UsageError(f"{error.path}: the file is empty; there is nothing to load")
    remedy = _REMEDIES.get(error.code)
    return kind(f"{describe(error)}; {remedy}" if remedy else describe(error))
