"""A directory counted up: inodes, what inline data saves, and what each algorithm makes of it."""

import os
from collections.abc import Callable, Iterator, Sequence

from loadstone.errors import CannotMeasureError, as_root, system_words
from loadstone.layout.algorithm import Algorithm
from loadstone.layout.erofs import ErofsImage
from loadstone.layout.inline import InlineCount, InlineFigures
from loadstone.layout.layouts import AlgorithmCount, AlgorithmLayouts
from loadstone.layout.measure import MeasuredFile, data_blocks, measure
from loadstone.layout.pieces import pieces_of
from loadstone.layout.walk import (
    Directory,
    Found,
    HardLink,
    MountPoint,
    RegularFile,
    Special,
    SymbolicLink,
    Unseen,
    walk,
)
from loadstone.model import Noun
from loadstone.targets import Target
from loadstone.text import printable

Say = Callable[[int, int], None]
"""Is told how many files were read so far, and how many bytes."""


class UnseenFiles(Noun, frozen=True, kw_only=True):
    """What could not be looked at for one reason: how many, and one of them."""

    reason: str
    count: int
    example: str


class LayoutSummary(Noun, frozen=True, kw_only=True):
    """What ``loadstone layout`` found; a block has 4 KiB.

    ``file_bytes`` are of files that were read, or listed where only sizes were asked for, each
    inode once; ``hole_bytes`` of them lie in holes, which take nothing under any layout.
    ``data_blocks`` are those that the rest fills. ``algorithms`` is empty without reading.
    """

    paths: tuple[str, ...]
    files: int
    directories: int
    symbolic_links: int
    special_files: int
    hard_links: int
    mount_points_left_out: int
    file_bytes: int
    hole_bytes: int
    data_blocks: int
    inline: InlineFigures
    erofs_uncompressed_bytes: int
    algorithms: tuple[AlgorithmLayouts, ...]
    unseen: tuple[UnseenFiles, ...]


class Survey:
    """The counts so far."""

    def __init__(self, algorithms: Sequence[Algorithm], say: Say) -> None:
        self._say = say
        self._counts = [AlgorithmCount(algorithm) for algorithm in algorithms]
        self._inline = InlineCount()
        self._uncompressed = ErofsImage()
        self._kinds = dict.fromkeys((Directory, SymbolicLink, Special, HardLink, MountPoint), 0)
        self._files = 0
        self._file_bytes = 0
        self._data_bytes = 0
        self._data_blocks = 0
        self._unseen: dict[int, tuple[int, bytes]] = {}

    def add_found(self, found: Found) -> None:
        """Add what is no file that was looked at."""
        match found:
            case Unseen():
                count, example = self._unseen.get(found.code, (0, found.path))
                self._unseen[found.code] = (count + 1, example)
                return
            case Directory() | SymbolicLink() | Special():
                self._inline.add_inode()
                for image in self._images():
                    image.add_inode(found)
        self._kinds[type(found)] += 1

    def add_file(self, measured: MeasuredFile) -> None:
        """Add a file; without sizes where it was not read."""
        file = measured.file
        self._files += 1
        self._file_bytes += file.file_bytes
        self._data_bytes += measured.data_bytes
        self._data_blocks += measured.data_blocks
        self._inline.add_file(file.file_bytes, measured.data_blocks)
        self._uncompressed.add_plain_file(file)
        for place, sizes in enumerate(measured.sizes):
            count = self._counts[place]
            count.add(file, measured.data_blocks, sizes)
            count.library = measured.libraries[place] or count.library
        self._say(self._files, self._file_bytes)

    def files_of(self, found: Iterator[Found]) -> Iterator[RegularFile]:
        """The files of what was found; the rest is added."""
        for one in found:
            if isinstance(one, RegularFile):
                yield one
            else:
                self.add_found(one)

    def summary(self, paths: Sequence[str]) -> LayoutSummary:
        """All that was counted.

        Raises:
            CannotMeasureError: there was no data.
        """
        unseen = tuple(_unseen(code, *rest) for code, rest in self._unseen.items())
        if not self._data_blocks:
            raise _nothing(paths, unseen)
        return LayoutSummary(
            paths=tuple(map(printable, paths)),
            files=self._files,
            directories=self._kinds[Directory],
            symbolic_links=self._kinds[SymbolicLink],
            special_files=self._kinds[Special],
            hard_links=self._kinds[HardLink],
            mount_points_left_out=self._kinds[MountPoint],
            file_bytes=self._file_bytes,
            hole_bytes=self._file_bytes - self._data_bytes,
            data_blocks=self._data_blocks,
            inline=self._inline.figures(),
            erofs_uncompressed_bytes=self._uncompressed.image_bytes,
            algorithms=tuple(count.layouts(self._data_blocks) for count in self._counts),
            unseen=unseen,
        )

    def _images(self) -> Iterator[ErofsImage]:
        yield self._uncompressed
        for count in self._counts:
            yield from count.images


def survey(
    target: Target, paths: Sequence[str], algorithms: Sequence[Algorithm], say: Say
) -> LayoutSummary:
    """Look at directories and files, which are only read; without algorithms not even that.

    Raises:
        CannotMeasureError: there is no data, or not enough memory.
        TargetError: the core's process died.
        UsageError: a path does not exist, or lies in another.
    """
    counted = Survey(algorithms, say)
    files = counted.files_of(walk(paths))
    for one in measure(target, files, algorithms) if algorithms else map(_listed, files):
        if isinstance(one, Unseen):
            counted.add_found(one)
        else:
            counted.add_file(one)
    return counted.summary(paths)


def _listed(file: RegularFile) -> MeasuredFile | Unseen:
    """A file as lstat has it; only one that has holes is opened, to find them."""
    if not file.is_sparse:
        blocks = -(-file.file_bytes // 4096)
        return MeasuredFile(file=file, data_bytes=file.file_bytes, data_blocks=blocks)
    try:
        pieces = list(pieces_of(file))
    except OSError as error:
        return Unseen(path=file.path, code=error.errno or 0)
    data_bytes = sum(piece.piece_bytes for piece in pieces)
    return MeasuredFile(file=file, data_bytes=data_bytes, data_blocks=data_blocks(pieces))


def _unseen(code: int, count: int, example: bytes) -> UnseenFiles:
    return UnseenFiles(
        reason=system_words(code), count=count, example=printable(os.fsdecode(example))
    )


def _nothing(paths: Sequence[str], unseen: Sequence[UnseenFiles]) -> CannotMeasureError:
    where = ", ".join(map(printable, paths))
    if unseen:
        first = unseen[0]
        return CannotMeasureError(
            f"nothing in {where} could be read: {first.example}: {first.reason}",
            remedy=as_root(),
        )
    return CannotMeasureError(f"no data in {where}", remedy="name a directory that has files")
