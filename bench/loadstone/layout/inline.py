"""F2FS inline data and inline tail, from the sizes of files alone.

Inline data is F2FS's own: a small file lies in the block of its inode. Inline tail, published and
in no kernel yet, has the last part of a larger one there, where the file needs few addresses.

The limits: 3452 bytes are inline where mkfs.f2fs has ``extra_attr,inode_checksum,
flexible_inline_xattr`` (tried byte by byte on Linux 7.3). Files below 68 KiB with tails of up to
3428 bytes are the talk's (Bo Wu, vivo); what its figure for a Linux tree is a share of, it does not
tell: inodes, directories and data blocks with inline data are nearest.
"""

from loadstone.layout.walk import BLOCK_BYTES
from loadstone.model import Noun

INLINE_DATA_BYTES = 3452
INLINE_TAIL_BYTES = 3428
INLINE_TAIL_FILE_BYTES = 68 << 10
"""A file with an inline tail is smaller."""


class InlineFigures(Noun, frozen=True, kw_only=True):
    """Blocks of 4 KiB under F2FS, uncompressed: an inode takes one, data those that it fills.

    ``blocks`` are inodes and data with neither. ``inline_data_change`` is of those;
    ``inline_tail_change`` is of what is left with inline data, ``both_change`` is of ``blocks``.
    """

    inodes: int
    data_blocks: int
    blocks: int
    inline_data_blocks: int
    inline_tail_blocks: int
    inline_data_change: float
    inline_tail_change: float
    both_change: float


class InlineCount:
    """Files and other inodes, one after the other."""

    def __init__(self) -> None:
        self._inodes = 0
        self._data_blocks = 0
        self._inline_data_blocks = 0
        self._inline_tail_blocks = 0

    def add_inode(self) -> None:
        """Add one that has no data blocks: a directory of a usual size, a link."""
        self._inodes += 1

    def add_file(self, file_bytes: int, data_blocks: int) -> None:
        """Add a file; its blocks without holes."""
        self._inodes += 1
        self._data_blocks += data_blocks
        if file_bytes <= INLINE_DATA_BYTES:
            self._inline_data_blocks += data_blocks
        elif has_inline_tail(file_bytes):
            self._inline_tail_blocks += min(1, data_blocks)

    def figures(self) -> InlineFigures:
        """What they save; at least one inode was added."""
        blocks = self._inodes + self._data_blocks
        tail, data = self._inline_tail_blocks, self._inline_data_blocks
        return InlineFigures(
            inodes=self._inodes,
            data_blocks=self._data_blocks,
            blocks=blocks,
            inline_data_blocks=data,
            inline_tail_blocks=tail,
            inline_data_change=-data / blocks,
            inline_tail_change=-tail / (blocks - data),
            both_change=-(data + tail) / blocks,
        )


def has_inline_tail(file_bytes: int) -> bool:
    """Whether the last part of a file would lie in its inode."""
    tail_bytes = file_bytes % BLOCK_BYTES
    return (
        INLINE_DATA_BYTES < file_bytes < INLINE_TAIL_FILE_BYTES
        and 0 < tail_bytes <= INLINE_TAIL_BYTES
    )


def node_blocks(data_blocks: int) -> int:
    """Blocks of F2FS for the addresses of a file's blocks that its inode has no room for.

    Source: include/linux/f2fs_fs.h: 923 addresses in an inode, 1018 in a node; two direct nodes
    before the first indirect one.
    """
    direct = -(-max(0, data_blocks - 923) // 1018)
    return direct + -(-max(0, direct - 2) // 1018)
