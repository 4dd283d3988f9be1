"""What images hold: a file made for the Run, the user's, or a directory's.

One file of it is read: the only one, or the largest.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath

from loadstone.core.remote_files import FileStat, stat_file
from loadstone.durable import require_unicode
from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError
from loadstone.model import Input, Noun
from loadstone.programs import run_program
from loadstone.provision.checksums import checksums_of
from loadstone.provision.erofs_image import read_superblock
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import loadable_file
from loadstone.provision.scratch_file import make_file, require_room, scratch_tree
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

DEFAULT_BYTES = 256 << 20

_MADE_NAME = "loadstone-text"
# An image that does not compress takes its files and what finds them.
_METADATA_BYTES = 16 << 20
_SMALLER = "take a smaller --size, or name another --dir"


class Source(Noun, frozen=True, kw_only=True):
    """What images are made of.

    ``tree`` is a directory, or an image of the user's where ``is_image``; ``file`` is the one that
    is read, by its path below, and ``checksums`` a path; both are empty where only the mounted
    image can tell. ``bytes`` is what all of it takes, ``mtime_ns`` when the file was changed,
    ``crc32c`` is of the checksums.
    """

    tree: Path
    is_image: bool
    bytes: int
    file: str = ""
    checksums: str = ""
    mtime_ns: int = 0
    crc32c: int = 0


@contextlib.contextmanager
def source_of(
    target: Target, input: Input, journal: Journal, directory: PurePath, images: int, say: Say
) -> Iterator[Source]:
    """Find or make what the images are made of; what was made goes at the end.

    Args:
        directory: for what is made, and for the images.
        images: how many there will be.

    Raises:
        UsageError: it cannot be read, or is empty.
        CannotMeasureError: there is no room for it and its images.
    """
    with contextlib.ExitStack() as stack:
        if input.file is not None and _is_directory(target, input.file):
            source = _tree(Path(input.file), directory)
            _require_room(target, directory, images * source.bytes)
        else:
            image = None if input.file is None else Path(loadable_file(input.file, target.execute))
            if image is not None and read_superblock(image) is not None:
                size_bytes = image.stat().st_size
                _require_room(target, directory, images * size_bytes)
                yield Source(tree=image, is_image=True, bytes=size_bytes)
                return
            source = _copied_or_made(stack, target, input, journal, directory, images, say)
        yield _with_checksums(stack, target, journal, source)


@contextlib.contextmanager
def file_source(
    target: Target, input: Input, journal: Journal, directory: PurePath, copies: int, say: Say
) -> Iterator[Source]:
    """A copy of the user's file, or one made for the Run, alone in a tree; gone at the end.

    Args:
        copies: how many more of its size there has to be room for.

    Raises:
        UsageError: it cannot be read, is empty, or no file.
        CannotMeasureError: there is no room for it and the copies.
    """
    with contextlib.ExitStack() as stack:
        source = _copied_or_made(stack, target, input, journal, directory, copies, say)
        yield _with_checksums(stack, target, journal, source)


def largest_file(tree: Path) -> tuple[str, int, int]:
    """The largest regular file below a directory by its path below, its size, and all files' size.

    Links are not followed; of several that are as large it is the first by name.

    Raises:
        UsageError: there is none that is not empty, or part of the directory cannot be listed.
    """
    found: list[tuple[int, str]] = []
    for place, _, names in os.walk(tree, onerror=_raise):
        for name in names:
            path = Path(place, name)
            what = path.lstat()
            if stat.S_ISREG(what.st_mode):
                found.append((-what.st_size, str(path.relative_to(tree))))
    found.sort()
    if not found or not found[0][0]:
        raise UsageError(
            f"{printable(str(tree))} holds no file with something in it",
            remedy="name another directory, or a file",
        )
    size, name = found[0]
    require_unicode(name)
    return name, -size, -sum(size for size, _ in found)


def require_unchanged(source: Source) -> None:
    """See that the file which is read is still that of its checksums.

    Raises:
        UsageError: it was changed while images were made of it.
    """
    if source.is_image:
        return
    file = source.tree / source.file
    try:
        mtime_ns = file.stat().st_mtime_ns
    except FileNotFoundError:
        mtime_ns = None
    if mtime_ns != source.mtime_ns:
        raise UsageError(
            f"{printable(str(file))} was changed while images were made of it",
            remedy="keep it still, and run again",
        )


def require_same(target: Target, journal: Journal, file: Path, source: Source, what: str) -> None:
    """Read all of a file once, and hold it against the one that it was made of.

    Args:
        what: the file is of, for errors.

    Raises:
        LoadstoneError: it cannot be read, or is other data.
    """
    remedy = "see dmesg for what the file system says"
    with checksums_of(target, journal, str(file), LoadstoneError, remedy) as found:
        is_same = found.crc32c == source.crc32c
    if not is_same:
        raise LoadstoneError(
            f"wrong data: the file in {what} is not what was written",
            remedy="trust no data of this file system; report it with the kernel's release",
        )


def copy_file(source: Path, copy: Path) -> None:
    """Copy a file; no room is taken where the file system lets both have the same blocks.

    Raises:
        CannotMeasureError: there is no room, or it cannot be read.
    """
    refusal = run_program("cp", "coreutils", "--reflink=auto", "--", str(source), str(copy))
    if refusal is not None:
        raise CannotMeasureError(printable(refusal), remedy="free space, or name another --dir")


def _raise(error: OSError) -> None:
    raise UsageError(
        f"list {printable(str(error.filename))}: {error.strerror}",
        remedy="keep it still, or name another directory",
    )


def _is_directory(target: Target, named: str) -> bool:
    found = stat_file(target.execute, named)
    return isinstance(found, FileStat) and found.type == stat.S_IFDIR


def _require_room(target: Target, directory: PurePath, size_bytes: int) -> None:
    require_room(target, directory, size_bytes + _METADATA_BYTES, _SMALLER)


def _copied_or_made(
    stack: contextlib.ExitStack,
    target: Target,
    input: Input,
    journal: Journal,
    directory: PurePath,
    copies: int,
    say: Say,
) -> Source:
    if input.file is None:
        size_bytes = input.size_bytes or DEFAULT_BYTES
        _require_room(target, directory, (1 + copies) * size_bytes)
        return _made(stack, target, journal, directory, size_bytes, say)
    file = Path(loadable_file(input.file, target.execute))
    _require_room(target, directory, (1 + copies) * file.stat().st_size)
    return _copy_of(stack, journal, directory, file, say)


def _tree(tree: Path, directory: PurePath) -> Source:
    real = tree.resolve()
    require_unicode(str(real))
    if Path(directory).resolve().is_relative_to(real):
        raise UsageError(
            f"--file {printable(str(tree))} holds the directory that its images are made in",
            remedy="name one elsewhere with --dir",
        )
    file, _, all_bytes = largest_file(real)
    return Source(tree=real, is_image=False, bytes=all_bytes, file=file)


def _copy_of(
    stack: contextlib.ExitStack, journal: Journal, directory: PurePath, file: Path, say: Say
) -> Source:
    say(f"copying {printable(str(file))} for its images")
    tree = stack.enter_context(scratch_tree(journal, "source", directory))
    copy_file(file, tree / file.name)
    return Source(tree=tree, is_image=False, bytes=file.stat().st_size, file=file.name)


def _made(
    stack: contextlib.ExitStack,
    target: Target,
    journal: Journal,
    directory: PurePath,
    size_bytes: int,
    say: Say,
) -> Source:
    say(f"making a text of {format_bytes_rounded(size_bytes)}")
    tree = stack.enter_context(scratch_tree(journal, "source", directory))
    made = str(tree / _MADE_NAME)
    make_file(target, made, size_bytes, content="text", smaller="take a smaller --size")
    return Source(tree=tree, is_image=False, bytes=size_bytes, file=_MADE_NAME)


def _with_checksums(
    stack: contextlib.ExitStack, target: Target, journal: Journal, source: Source
) -> Source:
    file = str(source.tree / source.file)
    found = stack.enter_context(checksums_of(target, journal, file))
    return Source(
        tree=source.tree,
        is_image=False,
        bytes=source.bytes,
        file=source.file,
        checksums=found.path,
        mtime_ns=found.mtime_ns,
        crc32c=found.crc32c,
    )
