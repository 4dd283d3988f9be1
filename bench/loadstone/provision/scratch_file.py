"""Files that a Run makes: named so that they are known as ours, journaled, gone at its end."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from loadstone.core.remote_files import stat_file
from loadstone.durable import require_unicode
from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.model import CoreError, Input, Job
from loadstone.provision.jobs import execute, job_error
from loadstone.provision.journal import Journal
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes, format_bytes_rounded

_OTHER_DIRECTORY = "name another directory with --dir"


def scratch_directory(target: Target, input: Input) -> PurePath:
    """Where files may be made: the directory that the user named, or the Target's own."""
    return PurePosixPath(input.directory) if input.directory else target.scratch()


@contextlib.contextmanager
def scratch_file(
    target: Target, journal: Journal, what: str, directory: PurePath | None = None
) -> Iterator[str]:
    """A path on the Target for a file that is removed at the end; it is not made here.

    Raises:
        UsageError: the directory's name cannot be recorded, or this user may not look into it:
            then neither could what is made there be removed.
        RunError: the journal cannot be written, or at the end the file would not go.
    """
    place = directory if directory is not None else target.scratch()
    require_unicode(str(place))
    path = str(place / _own_name(what))
    found = stat_file(target.execute, path)
    if isinstance(found, CoreError) and found.code != errno.ENOENT:
        raise UsageError(
            f"make a file in {printable(str(place))}: {system_words(found.code)}",
            remedy=_OTHER_DIRECTORY,
        )
    with journal.registered("file", path):
        yield path


@contextlib.contextmanager
def scratch_tree(journal: Journal, what: str, directory: PurePath) -> Iterator[Path]:
    """A new directory on this machine; at the end it goes with all that is in it.

    Raises:
        UsageError: it cannot be made there.
        RunError: the journal cannot be written, or at the end it would not go.
    """
    require_unicode(str(directory))
    path = Path(directory) / _own_name(what)
    with journal.registered("directory", str(path)):
        try:
            path.mkdir()
        except OSError as error:
            raise UsageError(
                f"make {printable(str(path))}: {system_words(error.errno or 0)}",
                remedy=_OTHER_DIRECTORY,
            ) from error
        yield path


def _own_name(what: str) -> str:
    return f"loadstone-{what}-{os.getpid()}-{secrets.token_hex(4)}"


def make_file(
    target: Target,
    path: str,
    size_bytes: int,
    *,
    content: str = "random",
    smaller: str | None = None,
) -> None:
    """Make a file, always the same.

    Args:
        content: ``random``, which is incompressible, or ``text``, which is not.
        smaller: how the user has a smaller one made, for the remedy where there is no room.

    Raises:
        CannotMeasureError: there is no room or no permission for it.
    """
    options = {"file": path, "bytes": str(size_bytes), "content": content}
    outcome = execute(target, Job(operation="make-file", options=options))
    if outcome.error:
        raise job_error(CannotMeasureError, outcome.error, _OTHER_DIRECTORY, smaller)


def make_sparse_file(target: Target, path: str, size_bytes: int) -> None:
    """Make a sparse file: it has the size and takes no room before it is written to.

    Raises:
        CannotMeasureError: its file system makes none that large, or this user no file there.
    """
    options = {"file": path, "bytes": str(size_bytes), "content": "sparse"}
    outcome = execute(target, Job(operation="make-file", options=options))
    if outcome.error:
        raise CannotMeasureError(
            f"make {printable(path)} of {format_bytes(size_bytes)}: "
            f"{system_words(outcome.error.code)}",
            remedy=_OTHER_DIRECTORY,
        )


def free_bytes(target: Target, directory: PurePath) -> int:
    """What a user without privileges may still write to a directory's file system.

    Raises:
        UsageError: it is no directory.
    """
    # The slash has a file refused that is no directory.
    found = stat_file(target.execute, f"{directory}/")
    if isinstance(found, CoreError):
        raise UsageError(
            f"--dir {printable(str(directory))}: {system_words(found.code)}",
            remedy="name a directory that is there",
        )
    return found.free_bytes


def require_room(target: Target, directory: PurePath, needed_bytes: int, remedy: str) -> None:
    """Refuse to begin what the file system has no room for.

    Raises:
        UsageError: it is no directory.
        CannotMeasureError: less than that is free.
    """
    has_bytes = free_bytes(target, directory)
    if needed_bytes > has_bytes:
        raise CannotMeasureError(
            f"{format_bytes_rounded(needed_bytes)} are needed, and only "
            f"{format_bytes_rounded(has_bytes)} free in {printable(str(directory))}",
            remedy=remedy,
        )


def refuse_own_file(workload: str, input: Input, remedy: str) -> None:
    """For a Workload that measures no file of the user's.

    Raises:
        UsageError: the user named a file, or a file's size.
    """
    if input.file is not None or input.size_bytes is not None:
        raise UsageError(
            f"{workload} takes no --file and no --size, as it measures no file of yours",
            remedy=remedy,
        )
