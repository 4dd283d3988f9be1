"""The file of f2fs-read: on the F2FS of the directory, else on one that is made for the Run."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from loadstone.core.remote_files import require_file
from loadstone.errors import CannotMeasureError
from loadstone.model import Input, Noun, Value
from loadstone.provision.checksums import checksums_of
from loadstone.provision.f2fs_image import TYPE, f2fs_image
from loadstone.provision.image_source import copy_file
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import loadable_file
from loadstone.provision.scratch_file import (
    free_bytes,
    make_file,
    require_room,
    scratch_directory,
    scratch_file,
)
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

DEFAULT_BYTES = 64 << 20

_SMALLER = "take a smaller --size"


class ReadFile(Noun, frozen=True, kw_only=True):
    """A file of ours on F2FS; ``directory`` is what it lies in, ``samples`` what to read around
    its Trials, ``is_direct`` whether no page cache lies below."""

    path: str
    bytes: int
    checksums: str
    directory: str
    read_ahead_kb: str
    samples: tuple[str, ...]
    facts: Mapping[str, Value]

    @property
    def is_direct(self) -> bool:
        return self.facts.get("fs.loop_is_direct") is not False


class _Place(Noun, frozen=True, kw_only=True):
    """Where the file is made, and what an Environment says of how that was."""

    directory: PurePath
    facts: Mapping[str, Value] = {}


@contextlib.contextmanager
def read_file(target: Target, input: Input, journal: Journal, say: Say) -> Iterator[ReadFile]:
    """Make the file, or copy the user's: no file of his gets another attribute.

    Raises:
        UsageError: his file cannot be read, or the directory is none.
        CannotMeasureError: there is no F2FS, and none can be made; or there is no room.
    """
    source = _source(target, input)
    size_bytes = source.stat().st_size if source else input.size_bytes or DEFAULT_BYTES
    with contextlib.ExitStack() as stack:
        place = _place(stack, target, input, journal, source, size_bytes, say)
        path = stack.enter_context(scratch_file(target, journal, "read", place.directory))
        if source:
            say(f"copying {printable(str(source))} to {printable(str(place.directory))}")
            copy_file(source, Path(path))
        else:
            say(f"making a file of {format_bytes_rounded(size_bytes)}")
            make_file(target, path, size_bytes, smaller=_SMALLER)
        checksums = stack.enter_context(checksums_of(target, journal, path))
        yield ReadFile(
            path=path,
            bytes=size_bytes,
            checksums=checksums.path,
            directory=str(place.directory),
            read_ahead_kb=_read_ahead_kb(target, path),
            samples=target.samples(str(place.directory)),
            facts={"file.bytes": size_bytes, **place.facts},
        )


def _source(target: Target, input: Input) -> Path | None:
    if input.file is None:
        return None
    if not target.is_this_machine:
        raise CannotMeasureError(
            f"f2fs-read copies --file by a program of this machine (cp), and {target.name} is "
            "another",
            remedy="leave it out: a file is made there, of --size",
        )
    return Path(loadable_file(input.file, target.execute))


def _place(
    stack: contextlib.ExitStack,
    target: Target,
    input: Input,
    journal: Journal,
    source: Path | None,
    size_bytes: int,
    say: Say,
) -> _Place:
    directory = scratch_directory(target, input)
    # What is on F2FS already is measured where it is.
    if source and not input.directory and _is_f2fs(target, source.parent):
        directory = source.parent
    if _is_f2fs(target, directory):
        require_room(target, directory, size_bytes, f"{_SMALLER}, or name another --dir")
        return _Place(directory=directory)
    if not target.is_this_machine:
        raise CannotMeasureError(
            f"{printable(str(directory))} is not on F2FS, and one is made by programs of this "
            f"machine (mkfs, mount), which {target.name} is not",
            remedy="name a --dir on F2FS there; Android's /data often is",
        )
    say("making F2FS on a loop device")
    made = stack.enter_context(f2fs_image(target, journal, directory, size_bytes))
    return _Place(directory=made.path, facts=made.facts)


def _is_f2fs(target: Target, directory: PurePath) -> bool:
    # Refuses what is no directory.
    free_bytes(target, directory)
    facts = target.environment(str(directory)).facts
    return facts.get("fs.lower_type", facts.get("fs.type")) == TYPE


def _read_ahead_kb(target: Target, path: str) -> str:
    """The tunable of the device that a file lies on; a partition's disk has it."""
    major, minor = require_file(target.execute, path).device
    device = f"/sys/dev/block/{major}:{minor}"
    is_partition = target.read_text(f"{device}/partition") is not None
    return f"{device}{'/..' if is_partition else ''}/queue/read_ahead_kb"
