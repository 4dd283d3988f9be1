"""Where the file of folio-write is made: in a directory, or on file systems made for the Run.

Those lie on loop devices over sparse images below the directory, one for each FsSpec.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from loadstone.core.explain import skipped
from loadstone.model import Case, Finding, Input, Noun, Value
from loadstone.provision.journal import Journal
from loadstone.provision.loop_file_system import loop_file_system
from loadstone.provision.scratch_file import (
    make_file,
    require_room,
    scratch_directory,
    scratch_file,
)
from loadstone.targets import Say, Target
from loadstone.workloads.set_up import entered_or_skipped

EXISTING_FS = "dir"
DEFAULT_OPTIONS = "defaults"
"""Options of mkfs or mount that are the program's own."""

# mkfs.xfs wants 300 MiB, and btrfs keeps what is overwritten until it commits.
_IMAGE_BYTES = 512 << 20
_COPIES = 3
_METADATA_BYTES = 128 << 20
_SMALLER = "--set total to less, or name another --dir"


class FsSpec(Noun, frozen=True, kw_only=True):
    """What a Case asks of its file system: a type, or ``dir``; options of mkfs and of mount."""

    type: str = EXISTING_FS
    mkfs: str = DEFAULT_OPTIONS
    mount: str = DEFAULT_OPTIONS

    @staticmethod
    def of(parameters: Mapping[str, Value]) -> "FsSpec":
        fs, mkfs, mount = (str(parameters[name]) for name in ("fs", "mkfs", "mount"))
        return FsSpec(type=fs, mkfs=mkfs, mount=mount)


class FsInstance(Noun, frozen=True, kw_only=True):
    """A directory on such a file system, the file's name there, what to sample around writes."""

    directory: str
    file: str
    samples: tuple[str, ...]
    facts: Mapping[str, Value] = {}


@contextlib.contextmanager
def write_places(
    target: Target, input: Input, cases: Sequence[Case], journal: Journal, say: Say
) -> Iterator[Mapping[FsSpec, FsInstance | Finding]]:
    """Make what the Cases ask for; where that is not possible, a skip says why.

    Raises:
        LoadstoneError: in the directory itself no such file can be made.
    """
    directory = scratch_directory(target, input)
    with contextlib.ExitStack() as stack:
        places: dict[FsSpec, FsInstance | Finding] = {}
        for fs_spec in dict.fromkeys(FsSpec.of(case.parameters) for case in cases):
            most = max(_most_bytes(case) for case in cases if FsSpec.of(case.parameters) == fs_spec)
            if fs_spec.type == EXISTING_FS:
                require_room(target, directory, most, _SMALLER)
                places[fs_spec] = _place(stack, target, journal, directory)
            elif not target.is_this_machine:
                places[fs_spec] = skipped(
                    f"{fs_spec.type} is made by programs of this machine (mkfs, mount), and "
                    f"{target.name} is another",
                    f"--set fs={EXISTING_FS}, and --dir on a file system of that kind there",
                )
            else:
                say(f"making {fs_spec.type} on a loop device")
                made = _made(target, journal, directory, fs_spec, most)
                places[fs_spec] = entered_or_skipped(stack, made)
        yield places


def _most_bytes(case: Case) -> int:
    """The size of the Case's file in the end, if it is one that can be."""
    size, total = int(case.parameters["size"]), int(case.parameters["total"])
    if size > total:
        return 0
    return total + size if case.parameters["pattern"] == "append" else total


def _place(
    stack: contextlib.ExitStack, target: Target, journal: Journal, directory: PurePath
) -> FsInstance:
    file = stack.enter_context(scratch_file(target, journal, "write", directory))
    # Whether one may be made here is known before the Run begins.
    make_file(target, file, 0)
    return FsInstance(directory=str(directory), file=file, samples=target.samples(str(directory)))


@contextlib.contextmanager
def _made(
    target: Target, journal: Journal, directory: PurePath, fs_spec: FsSpec, most_bytes: int
) -> Iterator[FsInstance]:
    mkfs, mount = (
        "" if text == DEFAULT_OPTIONS else text for text in (fs_spec.mkfs, fs_spec.mount)
    )
    file_system = loop_file_system(
        target,
        journal,
        directory,
        fs_spec.type,
        size_bytes=_IMAGE_BYTES + _COPIES * most_bytes,
        written_bytes=2 * most_bytes + _METADATA_BYTES,
        mkfs_options=mkfs,
        mount_options=mount,
        smaller=_SMALLER,
    )
    with file_system as made, contextlib.ExitStack() as stack:
        place = _place(stack, target, journal, made.path)
        yield FsInstance(
            directory=place.directory, file=place.file, samples=place.samples, facts=made.facts
        )
