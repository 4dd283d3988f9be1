"""What a file takes under each layout, as the core counts it; see op_layout_sizes.c."""

from collections.abc import Iterable, Sequence

from loadstone.model import Noun

CLUSTER_BYTES = tuple(16384 << level for level in range(7))
"""Of F2FS."""

PCLUSTER_BYTES = (4096, 65536, 1 << 20)
"""Of EROFS."""


class ClusterSum(Noun, frozen=True, kw_only=True):
    """Blocks stored, and those read for each block by itself, or for each window of 128 KiB."""

    blocks: int
    random_blocks: int
    window_blocks: int


class PclusterSum(Noun, frozen=True, kw_only=True):
    """Blocks stored without tail packing, and with it, when bytes lie beside the inode as well."""

    blocks: int
    random_blocks: int
    tail_blocks: int
    inline_bytes: int


class FileSizes(Noun, frozen=True, kw_only=True):
    """One file, or several together.

    ``clusters`` and ``pclusters`` are in the order of their sizes. ``pages`` are blocks whose input
    ends with a page; a segment is an output of 2 MiB.
    """

    clusters: tuple[ClusterSum, ...]
    dynamic: ClusterSum
    pclusters: tuple[PclusterSum, ...]
    page_blocks: int
    page_random_blocks: int
    segment_bytes: int
    segment_random_blocks: int


WORDS = 3 * (len(CLUSTER_BYTES) + 1) + 4 * len(PCLUSTER_BYTES) + 4
"""How many numbers the core has for a piece."""


def add_words(lists: Iterable[Sequence[int]]) -> list[int]:
    """The core's numbers of several pieces together; all 0 without any."""
    total = [0] * WORDS
    for words in lists:
        total = [one + other for one, other in zip(total, words, strict=True)]
    return total


def parse_sizes(words: Sequence[int]) -> FileSizes:
    """The core's numbers with their names."""
    dynamic = 3 * len(CLUSTER_BYTES)
    pclusters = dynamic + 3
    rest = pclusters + 4 * len(PCLUSTER_BYTES)
    return FileSizes(
        clusters=tuple(_cluster(words[at : at + 3]) for at in range(0, dynamic, 3)),
        dynamic=_cluster(words[dynamic:pclusters]),
        pclusters=tuple(_pcluster(words[at : at + 4]) for at in range(pclusters, rest, 4)),
        page_blocks=words[rest],
        page_random_blocks=words[rest + 1],
        segment_bytes=words[rest + 2],
        segment_random_blocks=words[rest + 3],
    )


def _cluster(words: Sequence[int]) -> ClusterSum:
    blocks, random_blocks, window_blocks = words
    return ClusterSum(blocks=blocks, random_blocks=random_blocks, window_blocks=window_blocks)


def _pcluster(words: Sequence[int]) -> PclusterSum:
    blocks, random_blocks, tail_blocks, inline_bytes = words
    return PclusterSum(
        blocks=blocks,
        random_blocks=random_blocks,
        tail_blocks=tail_blocks,
        inline_bytes=inline_bytes,
    )
