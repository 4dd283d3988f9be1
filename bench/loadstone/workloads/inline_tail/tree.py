"""What inline-tail copies: a user's directory or a tree that is made, in memory for the Run.

It lies on a tmpfs, so that copying it reads of no disk.
"""

import contextlib
import random
import stat
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path, PurePath

from loadstone.core.explain import describe
from loadstone.core.remote_files import FileStat, stat_file
from loadstone.durable import require_unicode
from loadstone.environment.memory_cgroup import memory_room
from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.layout.inline import InlineFigures
from loadstone.layout.survey import LayoutSummary, survey
from loadstone.layout.walk import BLOCK_BYTES
from loadstone.model import Input, Job, Noun
from loadstone.provision.file_system import mount_point, mounted_file_system
from loadstone.provision.jobs import execute
from loadstone.provision.journal import Journal
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

DEFAULT_BYTES = 64 << 20

# Linux 6.1's source, 78,579 files, less the largest hundredth: per cent of the files, and bytes
# that no more than so many have.
_SIZES = (
    *((0, 1), (1, 73), (2, 125), (5, 254), (10, 446), (15, 687), (20, 959), (25, 1280)),
    *((30, 1621), (35, 2038), (40, 2525), (45, 3129), (50, 3874), (55, 4787), (60, 5910)),
    *((65, 7264), (70, 9044), (75, 11416), (80, 14833), (85, 19906), (90, 28759), (93, 38070)),
    *((95, 48093), (97, 66614), (98, 83945), (99, 124858)),
)
_MOST_PERCENT = _SIZES[-1][0]
_FILES_OF_A_DIRECTORY = 15
_SEED = 7
_LIMIT_S = 24 * 3600.0
# Of tmpfs, with its name.
_INODE_BYTES = 1 << 10
# Of the memory that is available; the rest is for the page cache of the copy.
_MEMORY_SHARE = 0.4
_SMALLER = "name a smaller directory, or take a smaller --size"


class Tree(Noun, frozen=True, kw_only=True):
    """A directory in memory; ``inline`` is what its sizes say of F2FS.

    ``left_out`` counts what was not copied of the user's: devices, FIFOs, sockets, mounts.
    """

    path: Path
    files: int
    bytes: int
    inline: InlineFigures
    left_out: int = 0


@contextlib.contextmanager
def tree_in_memory(
    target: Target, input: Input, journal: Journal, directory: PurePath, say: Say
) -> Iterator[Tree]:
    """Copy the user's directory into memory, or make a tree there; it goes at the end.

    Args:
        directory: has the mount point of the tmpfs.

    Raises:
        UsageError: the user named what is no directory, or holds nothing.
        CannotMeasureError: there is not enough memory, or part of it cannot be read.
    """
    named = None if input.file is None else _directory(target, input.file)
    needed_bytes = _made_bytes(input) if named is None else _bytes_of(target, named)
    _require_memory(target, needed_bytes)
    point = mount_point(directory)
    # Names and inodes take memory of their own, which is not counted.
    options = f"size={needed_bytes + (16 << 20)},nr_inodes=0,mode=700"
    with mounted_file_system("tmpfs", "tmpfs", options, point, journal):
        tree, left_out = point / "loadstone-tree", 0
        if named is None:
            say(f"making a tree of {format_bytes_rounded(_made_bytes(input))} in memory")
            make_tree(tree, _made_bytes(input))
        else:
            say(f"copying {printable(str(named))} into memory")
            left_out = _copy(target, named, tree)
        found = _survey(target, tree)
        yield Tree(
            path=tree,
            files=found.files,
            bytes=found.file_bytes,
            inline=found.inline,
            left_out=left_out,
        )


def make_tree(tree: Path, size_bytes: int) -> None:
    """Make files as large as those of Linux's source, of random bytes, always the same."""
    sizes = file_sizes(size_bytes)
    noise = random.Random(_SEED)
    tree.mkdir()
    for number, file_bytes in enumerate(sizes):
        place = tree / f"directory-{number // _FILES_OF_A_DIRECTORY:05}"
        place.mkdir(exist_ok=True)
        (place / f"file-{number:06}").write_bytes(noise.randbytes(file_bytes))


def file_sizes(size_bytes: int) -> list[int]:
    """Sizes of about so many bytes together: evenly spread among those of all files, shuffled."""
    mean = sum(map(_size_at, range(_MOST_PERCENT))) / _MOST_PERCENT
    count = max(1, round(size_bytes / mean))
    sizes = [_size_at((place + 0.5) * _MOST_PERCENT / count) for place in range(count)]
    random.Random(_SEED).shuffle(sizes)
    return sizes


def _size_at(percent: float) -> int:
    """The bytes that so many per cent of the files do not exceed, between two that are known."""
    place = max(1, bisect_left(_SIZES, percent, key=lambda one: one[0]))
    (low, low_bytes), (high, high_bytes) = _SIZES[place - 1 : place + 1]
    return round(low_bytes + (high_bytes - low_bytes) * (percent - low) / (high - low))


def _made_bytes(input: Input) -> int:
    return input.size_bytes or DEFAULT_BYTES


def _directory(target: Target, named: str) -> Path:
    found = stat_file(target.execute, named)
    if not isinstance(found, FileStat):
        raise UsageError(
            f"--file {printable(named)}: {system_words(found.code)}",
            remedy="name a directory that is there",
        )
    if found.type != stat.S_IFDIR:
        raise UsageError(
            f"--file {printable(named)} is no directory, and inline-tail copies one",
            remedy="name a directory",
        )
    real = Path(named).resolve()
    require_unicode(str(real))
    return real


def _bytes_of(target: Target, named: Path) -> int:
    """What a directory takes in memory; refused where not all of it can be looked at."""
    inline = _survey(target, named).inline
    return inline.data_blocks * BLOCK_BYTES + inline.inodes * _INODE_BYTES


def _survey(target: Target, tree: Path) -> LayoutSummary:
    found = survey(target, [str(tree)], (), _say_nothing)
    if found.unseen:
        first = found.unseen[0]
        raise CannotMeasureError(
            f"{first.count} of {printable(str(tree))} cannot be looked at: "
            f"{first.example}: {first.reason}",
            remedy="keep it still, or name another directory",
        )
    return found


def _say_nothing(files: int, size_bytes: int) -> None:
    del files, size_bytes


def _require_memory(target: Target, needed_bytes: int) -> None:
    room = memory_room(target.environment(None).facts)
    if needed_bytes > _MEMORY_SHARE * room.limit_bytes:
        raise CannotMeasureError(
            f"the tree takes {format_bytes_rounded(needed_bytes)} and has to lie in memory: at "
            f"most {_MEMORY_SHARE:.0%} of {room.words}",
            remedy=f"{room.more}, {_SMALLER}",
        )


def _copy(target: Target, named: Path, tree: Path) -> int:
    """Copy all that can be; returns how much was left out."""
    options = {"source": str(named), "copy": str(tree)}
    outcome = execute(target, Job(operation="file-tree", options=options, timeout_s=_LIMIT_S))
    if outcome.error:
        raise CannotMeasureError(
            f"copy {printable(str(named))} into memory: {describe(outcome.error)}",
            remedy="keep it still, name a directory that can be read as a whole, or a smaller one",
        )
    return outcome.values["left_out"]
