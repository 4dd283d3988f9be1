"""The file that is loaded: the user's own, opened read-only, or one made for the Run."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath

import msgspec

from loadstone.core import native
from loadstone.core.explain import describe
from loadstone.core.file_extents import UNKNOWN, FileExtents, read_extents
from loadstone.core.remote_files import Execute, FileStat, stat_file
from loadstone.durable import cannot_write, require_unicode
from loadstone.environment.memory_cgroup import MemoryRoom, memory_room
from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.model import CoreError, Input, Job, Noun
from loadstone.provision.jobs import REMEDIES, execute, job_error
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import (
    free_bytes,
    make_file,
    scratch_directory,
    scratch_file,
)
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.units import format_bytes, format_bytes_rounded

DEFAULT_BYTES = 1 << 30

_SMALLER = "take a smaller --size"
_LEAST_BYTES = 1 << 20
# What is left free of the disk, and of the memory that a destination takes.
_DISK_SHARE = 0.5
_MEMORY_SHARE = 0.25
# A process that loads, and the worker that forks it, in a control group: 4 MiB were too few.
_OWN_BYTES = 8 << 20
_BYTES_IN_A_TABLE_BYTE = 512
_READ_LIMIT_S = 24 * 3600.0

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


class ModelFile(Noun, frozen=True, kw_only=True):
    """A file as it was when the Run began; times in ns, ``checksums`` a path on the Target.

    ``extents`` is where its bytes lie, as far as its file system tells. ``stored_bytes`` is what it
    takes of a device that has nothing else, in an image that was made for the Run; else None.
    ``room`` is the memory that was available; ``crc32c`` is None where the file takes as much, so
    that nobody will load it and its checksums were not read.
    """

    path: str
    bytes: int
    allocated_bytes: int
    inode: int
    mtime_ns: int
    checksums: str
    crc32c: int | None
    is_made: bool
    room: MemoryRoom
    extents: FileExtents = UNKNOWN
    stored_bytes: int | None = None

    @property
    def hole_bytes(self) -> int:
        """Bytes that no block of the device holds; a small file may lie among metadata."""
        unallocated = self.bytes - self.allocated_bytes - (self.extents.inline_bytes or 0)
        return max(0, unallocated, self.extents.hole_bytes or 0)

    @property
    def is_too_large(self) -> bool:
        """Whether all of it can't be in memory at once."""
        return self.bytes + own_bytes(self.bytes, self.room) >= self.room.limit_bytes


def own_bytes(file_bytes: int, room: MemoryRoom) -> int:
    """What a process that loads a file takes beside it: page tables, and its own pages.

    A machine keeps more than that back itself; a control group does not.
    """
    return process_bytes(file_bytes) if room.is_of_cgroup else 0


def process_bytes(file_bytes: int) -> int:
    """What a process that loads a file is charged beside it."""
    return _OWN_BYTES + file_bytes // _BYTES_IN_A_TABLE_BYTE


@contextlib.contextmanager
def model_file(
    target: Target, input: Input, journal: Journal, say: Say, content: str = "random"
) -> Iterator[ModelFile]:
    """The user's file, or one that is made (always the same bytes) and removed at the end.

    Args:
        content: of the one that is made; see ``make_file``.

    Raises:
        UsageError: the file cannot be loaded: missing, no regular file, empty, unreadable.
        CannotMeasureError: no file can be made: no room, no permission.
    """
    room = memory_room(target.environment(None).facts)
    with contextlib.ExitStack() as stack:
        if input.file is None:
            path = stack.enter_context(_made_file(target, input, journal, say, room, content))
        else:
            path = loadable_file(input.file, target.execute)
        checksums = stack.enter_context(scratch_file(target, journal, "checksums"))
        file = _stat_model(target, path, checksums, room, input.file is None)
        yield file if file.is_too_large else _with_checksums(target, file, say)


def loadable_file(named: str, execute: Execute = native.run_job) -> str:
    """The real path of a regular file with something in it, which this user may read.

    Args:
        execute: carries out Jobs where the file is; on this machine if not said.

    Raises:
        UsageError: it is none.
    """
    require_unicode(named)
    found = stat_file(execute, named)
    if isinstance(found, CoreError):
        raise _cannot_open(named, found.code)
    if not found.is_text:
        raise UsageError(
            f"{printable(named)}: it leads to a name that is not UTF-8, so a Run cannot record it",
            remedy="rename that",
        )
    if found.type != stat.S_IFREG:
        kind = _KINDS.get(found.type, "something else")
        raise UsageError(f"{printable(named)} is {kind}", remedy="name a regular file")
    if found.readable:
        raise _cannot_open(named, found.readable)
    if not found.file_bytes:
        raise UsageError(
            f"{printable(named)} is empty", remedy="name a file with something to load in it"
        )
    return found.real_path


def _cannot_open(named: str, code: int) -> UsageError:
    remedy = REMEDIES.get(code, "check the path")
    return UsageError(f"cannot open {printable(named)}: {system_words(code)}", remedy=remedy)


@contextlib.contextmanager
def _made_file(
    target: Target, input: Input, journal: Journal, say: Say, room: MemoryRoom, content: str
) -> Iterator[str]:
    directory = scratch_directory(target, input)
    size_bytes = _affordable_bytes(target, directory, input, room, say)
    with scratch_file(target, journal, "model", directory) as path:
        kind = {"random": "incompressible model", "text": "text for a model"}[content]
        say(f"making {format_bytes_rounded(size_bytes)} of {kind} in {directory}")
        make_file(target, path, size_bytes, content=content, smaller=_SMALLER)
        yield path


def _affordable_bytes(
    target: Target, directory: PurePath, input: Input, memory: MemoryRoom, say: Say
) -> int:
    asked_bytes = input.size_bytes
    default_bytes = input.default_bytes or DEFAULT_BYTES
    disk_bytes = free_bytes(target, directory)
    if asked_bytes is not None:
        _require_room(directory, asked_bytes, disk_bytes, memory)
        return asked_bytes
    room = {"disk": disk_bytes * _DISK_SHARE, memory.name: memory.limit_bytes * _MEMORY_SHARE}
    size_bytes = int(min(default_bytes, *room.values())) // _LEAST_BYTES * _LEAST_BYTES
    short = min(room, key=room.__getitem__)
    if size_bytes < _LEAST_BYTES:
        raise CannotMeasureError(
            f"{printable(str(directory))}: not enough {short} for a model file of 1 MiB",
            remedy="free some, or name another directory with --dir",
        )
    if size_bytes < default_bytes:
        less = format_bytes_rounded(size_bytes)
        say(f"{short} is short: the model is {less}, not {format_bytes_rounded(default_bytes)}")
    return size_bytes


def _require_room(
    directory: PurePath, asked_bytes: int, disk_bytes: int, memory: MemoryRoom
) -> None:
    free = format_bytes_rounded(disk_bytes)
    if asked_bytes >= disk_bytes:
        raise CannotMeasureError(
            f"--size {format_bytes(asked_bytes)}: there are only {free} free in "
            f"{printable(str(directory))}",
            remedy=f"{_SMALLER}, or another --dir",
        )
    if asked_bytes + own_bytes(asked_bytes, memory) >= memory.limit_bytes:
        raise CannotMeasureError(
            f"--size {format_bytes(asked_bytes)}: it does not fit into {memory.words}",
            remedy=memory.remedy,
        )


def _stat_model(
    target: Target, path: str, checksums: str, room: MemoryRoom, is_made: bool
) -> ModelFile:
    found = stat_file(target.execute, path)
    if not isinstance(found, FileStat):
        raise UsageError(describe(found), remedy="keep the file still, and run again")
    return ModelFile(
        path=path,
        bytes=found.file_bytes,
        allocated_bytes=found.allocated_bytes,
        inode=found.inode,
        mtime_ns=found.mtime_ns,
        checksums=checksums,
        crc32c=None,
        is_made=is_made,
        room=room,
    )


def _with_checksums(target: Target, file: ModelFile, say: Say) -> ModelFile:
    say(f"reading {printable(file.path)} once for its checksums")
    options = {"file": file.path, "output": file.checksums}
    outcome = execute(target, Job(operation="checksum", options=options, timeout_s=_READ_LIMIT_S))
    if outcome.error:
        if outcome.error.step == "write" and target.is_this_machine:
            raise cannot_write(Path(file.checksums), OSError(outcome.error.code, ""))
        kind = CannotMeasureError if outcome.error.step == "write" else UsageError
        raise job_error(kind, outcome.error, "check the path")
    values = outcome.values
    return msgspec.structs.replace(
        file,
        extents=read_extents(target.execute, file.path),
        bytes=values["file_bytes"],
        allocated_bytes=values["allocated_bytes"],
        inode=values["inode"],
        mtime_ns=values["mtime_ns"],
        crc32c=values["crc32c"],
    )
