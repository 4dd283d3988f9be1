"""Files through the core: batches of pieces, a Job for each, and every file's sizes."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote_from_bytes

from loadstone.core.explain import Rule, explain
from loadstone.errors import CannotMeasureError, TargetError
from loadstone.layout.algorithm import Algorithm
from loadstone.layout.pieces import Piece, pieces_of
from loadstone.layout.sizes import FileSizes, add_words, parse_sizes
from loadstone.layout.walk import RegularFile, Unseen
from loadstone.model import Job, Noun, Outcome, Status
from loadstone.targets import Target

_PIECES_OF_TEXT = 64
_MOST_PIECES = 8 * _PIECES_OF_TEXT
_MOST_BYTES = 64 << 20
_MOST_THREADS = 64
# The slowest level of zstd, in a search for what fits.
_LEAST_BYTES_PER_S = 20_000
_OVERHEAD_S = 600.0
_PLAIN = "/ "

_RULES = (
    Rule(
        step="reserve memory|start thread",
        codes=frozenset({errno.ENOMEM, errno.EAGAIN}),
        status=Status.SKIPPED,
        meaning="not enough memory, or no more threads may be started",
        remedy="allow more (ulimit -v and -u, the cgroup's limits), or bind it to fewer CPUs "
        "(taskset)",
    ),
)


class MeasuredFile(Noun, frozen=True, kw_only=True):
    """A file that was read; ``data_blocks`` and ``data_bytes`` are without holes.

    ``sizes`` and the ``libraries`` that compressed are by each algorithm, in their order.
    """

    file: RegularFile
    data_bytes: int
    data_blocks: int
    sizes: tuple[FileSizes, ...] = ()
    libraries: tuple[str, ...] = ()


class _Batch:
    """Files whose pieces are read by the same Jobs; a large file has a batch of its own."""

    def __init__(self) -> None:
        self.files: list[tuple[RegularFile, list[Piece]]] = []
        self.pieces = 0
        self.bytes = 0

    def add(self, file: RegularFile, pieces: list[Piece]) -> None:
        self.files.append((file, pieces))
        self.pieces += len(pieces)
        self.bytes += sum(piece.piece_bytes for piece in pieces)

    @property
    def is_full(self) -> bool:
        return self.bytes >= _MOST_BYTES or self.pieces >= _MOST_PIECES


def measure(
    target: Target, files: Iterable[RegularFile], algorithms: Sequence[Algorithm]
) -> Iterator[MeasuredFile | Unseen]:
    """Read files, each once but for the page cache, and compress them by each algorithm.

    Raises:
        CannotMeasureError: there is not enough memory, or no thread can be started.
        TargetError: the core's process died of it, or the Target is gone.
    """
    batch = _Batch()
    for file in files:
        try:
            batch.add(file, list(pieces_of(file)))
        except OSError as error:
            yield Unseen(path=file.path, code=error.errno or 0)
        if batch.is_full:
            yield from _measured(target, batch, algorithms)
            batch = _Batch()
    if batch.files:
        yield from _measured(target, batch, algorithms)


def _measured(
    target: Target, batch: _Batch, algorithms: Sequence[Algorithm]
) -> Iterator[MeasuredFile | Unseen]:
    pieces = [piece for _, several in batch.files for piece in several]
    answers = [_read(target, pieces, algorithm) for algorithm in algorithms]
    at = 0
    for file, several in batch.files:
        own = [answer.lines[at : at + len(several)] for answer in answers]
        at += len(several)
        libraries = tuple(answer.library for answer in answers)
        yield _file(file, several, own, libraries)


def _file(
    file: RegularFile,
    pieces: Sequence[Piece],
    lines: Sequence[Sequence[Sequence[int]]],
    libraries: tuple[str, ...],
) -> MeasuredFile | Unseen:
    codes = [line[0] for of_algorithm in lines for line in of_algorithm if line[0]]
    if codes:
        return Unseen(path=file.path, code=codes[0])
    return MeasuredFile(
        file=file,
        data_bytes=sum(piece.piece_bytes for piece in pieces),
        data_blocks=data_blocks(pieces),
        sizes=tuple(
            parse_sizes(add_words(line[1:] for line in of_algorithm)) for of_algorithm in lines
        ),
        libraries=libraries,
    )


def data_blocks(pieces: Iterable[Piece]) -> int:
    """Blocks of 4 KiB of pieces, uncompressed."""
    return sum(-(-piece.piece_bytes // 4096) for piece in pieces)


class _Answer(Noun, frozen=True, kw_only=True):
    """For each piece the numbers of the core, the first of which is an errno."""

    lines: tuple[tuple[int, ...], ...]
    library: str


def _read(target: Target, pieces: Sequence[Piece], algorithm: Algorithm) -> _Answer:
    found: list[tuple[int, ...]] = []
    library = ""
    for at in range(0, len(pieces), _MOST_PIECES):
        some = pieces[at : at + _MOST_PIECES]
        # The largest first: the threads have then done all at about the same time.
        order = sorted(range(len(some)), key=lambda place: -some[place].piece_bytes)
        outcome = target.execute(_job([some[place] for place in order], algorithm))
        _check(outcome, target)
        texts = "".join(outcome.before.values()).splitlines()
        by_place = dict(zip(order, texts, strict=True))
        found += [tuple(map(int, by_place[place].split())) for place in range(len(some))]
        library = algorithm.library(outcome.values["library_version"])
    return _Answer(lines=tuple(found), library=library)


def _job(pieces: Sequence[Piece], algorithm: Algorithm) -> Job:
    total_bytes = sum(piece.piece_bytes for piece in pieces)
    texts = -(-len(pieces) // _PIECES_OF_TEXT)
    return Job(
        operation="layout-sizes",
        options={
            "pieces": ",".join(map(_word, pieces)),
            "algorithm": algorithm.name,
            "level": str(algorithm.level),
            "threads": str(min(_MOST_THREADS, len(os.sched_getaffinity(0)), len(pieces))),
        },
        samples=tuple(map(str, range(texts))),
        timeout_s=_OVERHEAD_S + total_bytes / _LEAST_BYTES_PER_S,
    )


def _word(piece: Piece) -> str:
    path = quote_from_bytes(piece.path, safe=_PLAIN)
    return f"{piece.offset}:{piece.piece_bytes}:{int(piece.is_last)}:{path}"


def _check(outcome: Outcome, target: Target) -> None:
    if outcome.crash:
        raise TargetError(
            f"reading files on {target.name}: {outcome.crash}", remedy="see dmesg there"
        )
    if outcome.error:
        finding = explain(outcome.error, {}, _RULES)
        raise CannotMeasureError(finding.reason or "", remedy=finding.remedy)
