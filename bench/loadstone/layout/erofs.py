"""The size of an EROFS image, from what its files become.

Source: erofs-utils 1.5, lib/inode.c, lib/cache.c and lib/compress.c, as it makes images with ``-T``
(one time for all inodes) and without extended attributes; 1.8 differs by blocks.
"""

from loadstone.layout.walk import BLOCK_BYTES, Directory, RegularFile, Special, SymbolicLink

_COMPACT_BYTES, _EXTENDED_BYTES = 32, 64
_LARGEST_COMPACT = 0xFFFFFFFF
_SLOT_BYTES = 32
_SLOTS = BLOCK_BYTES // _SLOT_BYTES
# A superblock at 1024, of 128 bytes.
_SUPERBLOCK_END = 1152
_MAP_HEADER_BYTES = 8
_LEGACY_HEADER_BYTES, _LEGACY_INDEX_BYTES = 16, 8


class ErofsImage:
    """An image that grows inode by inode.

    Inodes lie in 32-byte slots of blocks, each in the fullest block that has room for it.
    """

    def __init__(self) -> None:
        self.data_blocks = 0
        """Of files and directories, without what lies beside inodes."""
        self._meta_blocks = 0
        # Bit n: there is a block with n free slots; and how many there are.
        self._free_bits = 0
        self._free_counts = [0] * (_SLOTS + 1)
        self._place(_SUPERBLOCK_END, 0)

    @property
    def image_bytes(self) -> int:
        """All of it."""
        return (self.data_blocks + self._meta_blocks) * BLOCK_BYTES

    def add_inode(self, inode: Directory | SymbolicLink | Special) -> None:
        """Add what is never compressed."""
        inode_bytes = _EXTENDED_BYTES if inode.has_wide_owner else _COMPACT_BYTES
        match inode:
            case Directory():
                self._add(inode_bytes, inode.dirents_bytes // BLOCK_BYTES, inode.dirents_bytes)
            case SymbolicLink():
                self._add(inode_bytes, inode.target_bytes // BLOCK_BYTES, inode.target_bytes)
            case Special():
                self._place(inode_bytes, 0)

    def add_file(self, file: RegularFile, blocks: int, inline_bytes: int) -> bool:
        """Add a file that becomes so many blocks, and bytes beside its inode.

        Returns:
            Whether it is stored compressed: that may not be worth its index.
        """
        inode_bytes = _file_inode_bytes(file)
        indexes = -(-file.file_bytes // BLOCK_BYTES)
        legacy_bytes = _LEGACY_HEADER_BYTES + _LEGACY_INDEX_BYTES * indexes
        if blocks * BLOCK_BYTES + inline_bytes + legacy_bytes >= file.file_bytes:
            self.add_plain_file(file)
            return False
        self._add(inode_bytes + _index_bytes(inode_bytes, indexes), blocks, inline_bytes)
        return True

    def add_plain_file(self, file: RegularFile) -> None:
        """Add a file that is not compressed."""
        blocks = file.file_bytes // BLOCK_BYTES
        self._add(_file_inode_bytes(file), blocks, file.file_bytes)

    def _add(self, inode_bytes: int, blocks: int, inline_bytes: int) -> None:
        """Add an inode, its blocks, and its last part, which is inline where there is room."""
        inline_bytes %= BLOCK_BYTES
        self.data_blocks += blocks
        if inode_bytes % BLOCK_BYTES + inline_bytes > BLOCK_BYTES:
            self.data_blocks += 1
            inline_bytes = 0
        self._place(inode_bytes, inline_bytes)

    def _place(self, inode_bytes: int, inline_bytes: int) -> None:
        slots = -(-(inode_bytes + inline_bytes) // _SLOT_BYTES)
        fitting = self._free_bits >> slots << slots
        if slots < _SLOTS and fitting:
            free = (fitting & -fitting).bit_length() - 1
            self._free_counts[free] -= 1
            if not self._free_counts[free]:
                self._free_bits ^= 1 << free
        else:
            blocks = -(-slots // _SLOTS)
            self._meta_blocks += blocks
            free = blocks * _SLOTS
        if left := free - slots:
            self._free_counts[left] += 1
            self._free_bits |= 1 << left


def _file_inode_bytes(file: RegularFile) -> int:
    is_wide = file.has_wide_owner or file.file_bytes > _LARGEST_COMPACT
    return _EXTENDED_BYTES if is_wide else _COMPACT_BYTES


def _index_bytes(inode_bytes: int, indexes: int) -> int:
    """The map of a compressed file: 4 bytes a block up to a multiple of 32, then 2, 16 at a time.

    Indexes of 4 bytes come in pairs.
    """
    first = (-(inode_bytes + _MAP_HEADER_BYTES) % 32) // 4
    if first > indexes:
        return _MAP_HEADER_BYTES + _pairs_bytes(indexes)
    short = (indexes - first) // 16 * 16
    return _MAP_HEADER_BYTES + 4 * first + 2 * short + _pairs_bytes(indexes - first - short)


def _pairs_bytes(indexes: int) -> int:
    return -(-indexes // 2) * 8
