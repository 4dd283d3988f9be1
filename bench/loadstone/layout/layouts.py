"""What an algorithm makes of all files: a row for each layout."""

from collections.abc import Iterator

from loadstone.layout.algorithm import Algorithm
from loadstone.layout.erofs import ErofsImage
from loadstone.layout.inline import node_blocks
from loadstone.layout.sizes import (
    CLUSTER_BYTES,
    PCLUSTER_BYTES,
    ClusterSum,
    FileSizes,
    PclusterSum,
)
from loadstone.layout.walk import BLOCK_BYTES, RegularFile
from loadstone.model import Noun
from loadstone.units import format_bytes

SEGMENT_BYTES = 2 << 20


class Layout(Noun, frozen=True, kw_only=True):
    """One layout: what the data takes, and what reading it reads.

    ``name`` begins with the file system, or what was proposed for one: ``f2fs:16KiB``,
    ``dynamic-cluster``, ``erofs:4KiB``, ``erofs:4KiB+tail``, ``fixed-block:byte``,
    ``fixed-block:page``, ``fixed-segment:2MiB``. ``ratio`` is stored ÷ raw blocks, ``change`` that
    against ``f2fs:16KiB``. ``image_bytes`` is a whole EROFS image, None of the others. The
    amplifications are bytes read ÷ asked, of 4 KiB reads each by itself, and of the whole from
    beginning to end in windows of 128 KiB; None where they are not known.
    """

    name: str
    stored_bytes: int
    ratio: float
    change: float
    image_bytes: int | None = None
    random_amplification: float | None = None
    sequential_amplification: float | None = None


class AlgorithmLayouts(Noun, frozen=True, kw_only=True):
    """All layouts by one algorithm; ``library`` is what compressed, with its version.

    ``node_blocks`` have the addresses of uncompressed files that inodes have no room for, under
    F2FS; with one address for a segment there are ``segment_node_blocks``.
    """

    algorithm: str
    library: str
    layouts: tuple[Layout, ...]
    node_blocks: int
    segment_node_blocks: int


class _Cluster:
    """Blocks of one size of cluster."""

    def __init__(self) -> None:
        self.blocks = 0
        self.random_blocks = 0
        self.window_blocks = 0

    def add(self, size: ClusterSum) -> None:
        self.blocks += size.blocks
        self.random_blocks += size.random_blocks
        self.window_blocks += size.window_blocks


class _Pcluster:
    """Images of one size of pcluster."""

    def __init__(self) -> None:
        self.plain = ErofsImage()
        self.packed = ErofsImage()
        self.random_blocks = 0
        self.stored_blocks = 0
        self.packed_bytes = 0

    def add(self, file: RegularFile, blocks: int, size: PclusterSum) -> None:
        is_compressed = self.plain.add_file(file, size.blocks, 0)
        self.random_blocks += size.random_blocks if is_compressed else blocks
        self.stored_blocks += size.blocks if is_compressed else blocks
        is_compressed = self.packed.add_file(file, size.tail_blocks, size.inline_bytes)
        packed_bytes = size.tail_blocks * BLOCK_BYTES + size.inline_bytes
        self.packed_bytes += packed_bytes if is_compressed else file.file_bytes


class AlgorithmCount:
    """Files, one after the other, by one algorithm."""

    def __init__(self, algorithm: Algorithm) -> None:
        self._algorithm = algorithm
        self.library = ""
        """What compressed, once a file was read."""
        self._clusters = [_Cluster() for _ in CLUSTER_BYTES]
        self._dynamic = _Cluster()
        self._pclusters = [_Pcluster() for _ in PCLUSTER_BYTES]
        self._page_blocks = 0
        self._page_random_blocks = 0
        self._segment_bytes = 0
        self._segment_random_blocks = 0
        self._node_blocks = 0
        self._segment_node_blocks = 0

    @property
    def images(self) -> Iterator[ErofsImage]:
        """All images, for inodes that are no files."""
        for pcluster in self._pclusters:
            yield pcluster.plain
            yield pcluster.packed

    def add(self, file: RegularFile, blocks: int, sizes: FileSizes) -> None:
        """Add a file.

        Args:
            blocks: that it has uncompressed.
        """
        for cluster, size in zip(self._clusters, sizes.clusters, strict=True):
            cluster.add(size)
        self._dynamic.add(sizes.dynamic)
        for pcluster, one in zip(self._pclusters, sizes.pclusters, strict=True):
            pcluster.add(file, blocks, one)
        self._page_blocks += sizes.page_blocks
        self._page_random_blocks += sizes.page_random_blocks
        self._segment_bytes += sizes.segment_bytes
        self._segment_random_blocks += sizes.segment_random_blocks
        self._node_blocks += node_blocks(blocks)
        self._segment_node_blocks += node_blocks(-(-sizes.segment_bytes // SEGMENT_BYTES))

    def layouts(self, data_blocks: int) -> AlgorithmLayouts:
        """All of them; ``data_blocks`` is not 0."""
        return AlgorithmLayouts(
            algorithm=self._algorithm.label,
            library=self.library,
            layouts=tuple(self._rows(data_blocks)),
            node_blocks=self._node_blocks,
            segment_node_blocks=self._segment_node_blocks,
        )

    def _rows(self, data_blocks: int) -> Iterator[Layout]:
        """F2FS reads a cluster again for each window that it lies in; what EROFS decompresses once
        stays, and of the others nobody knows."""
        of = _Row(data_blocks * BLOCK_BYTES, self._clusters[0].blocks * BLOCK_BYTES)
        clusters = [f"f2fs:{format_bytes(size)}" for size in CLUSTER_BYTES] + ["dynamic-cluster"]
        for name, cluster in zip(clusters, (*self._clusters, self._dynamic), strict=True):
            stored = cluster.blocks * BLOCK_BYTES
            yield of.row(name, stored, cluster.random_blocks, cluster.window_blocks)
        for size, pcluster in zip(PCLUSTER_BYTES, self._pclusters, strict=True):
            name, stored = f"erofs:{format_bytes(size)}", pcluster.stored_blocks * BLOCK_BYTES
            once = pcluster.stored_blocks
            yield of.row(name, stored, pcluster.random_blocks, once, pcluster.plain)
            yield of.row(f"{name}+tail", pcluster.packed_bytes, image=pcluster.packed)
        block = self._pclusters[0]
        stored = block.stored_blocks * BLOCK_BYTES
        yield of.row("fixed-block:byte", stored, block.random_blocks, block.stored_blocks)
        stored = self._page_blocks * BLOCK_BYTES
        yield of.row("fixed-block:page", stored, self._page_random_blocks, self._page_blocks)
        segment_blocks = -(-self._segment_bytes // BLOCK_BYTES)
        stored = segment_blocks * BLOCK_BYTES
        name = f"fixed-segment:{format_bytes(SEGMENT_BYTES)}"
        yield of.row(name, stored, self._segment_random_blocks, segment_blocks)


class _Row:
    """Makes rows of bytes against those of all data, and of the smallest clusters."""

    def __init__(self, raw_bytes: int, base_bytes: int) -> None:
        self._raw_bytes = raw_bytes
        self._base_bytes = base_bytes

    def row(
        self,
        name: str,
        stored_bytes: int,
        random_blocks: int | None = None,
        sequential_blocks: int | None = None,
        image: ErofsImage | None = None,
    ) -> Layout:
        """One layout, with the blocks that reads would read, where they are known."""
        return Layout(
            name=name,
            stored_bytes=stored_bytes,
            ratio=stored_bytes / self._raw_bytes,
            change=stored_bytes / self._base_bytes - 1,
            image_bytes=image.image_bytes if image else None,
            random_amplification=self._amplification(random_blocks),
            sequential_amplification=self._amplification(sequential_blocks),
        )

    def _amplification(self, blocks: int | None) -> float | None:
        return None if blocks is None else blocks * BLOCK_BYTES / self._raw_bytes
