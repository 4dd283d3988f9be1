"""Where things lie below an updated image: the old image, and the store of what changed."""

from loadstone.model import Case, Noun
from loadstone.provision.verity_image import (
    DATA_BLOCK_BYTES,
    SECTOR_BYTES,
    Layout,
    linear_target,
)

CHUNK_BYTES = DATA_BLOCK_BYTES
"""What dm-snapshot copies at a time: 4 KiB, as in Android's updates."""

MERGED = "merged"
"""The state without a snapshot."""

# Of a persistent store: its header, and in each chunk of its metadata 16 bytes for a changed one.
_HEADER_CHUNKS = 1
_ENTRIES = CHUNK_BYTES // 16
# dm-snapshot gives a store up before the last chunk is taken.
_SPARE_CHUNKS = 8
# In percent, as ``changed`` is.
_WHOLE = 100


class Store(Noun, frozen=True, kw_only=True):
    """A store of changed chunks (COW): extents of one size, with a gap as large behind each."""

    extents: int
    extent_bytes: int

    @property
    def room_bytes(self) -> int:
        """What it takes of the device below, gaps included."""
        return 2 * self.extents * self.extent_bytes

    def table(self, lower: str, start_bytes: int) -> str:
        """The table of a device that has the extents one behind the other."""
        return "\n".join(
            linear_target(
                position * self.extent_bytes,
                start_bytes + 2 * position * self.extent_bytes,
                self.extent_bytes,
                lower,
            )
            for position in range(self.extents)
        )


def changed_bytes(case: Case, image_bytes: int) -> int:
    """How much of the image the update changes: whole pieces, one at least."""
    piece = int(case.parameters["piece"])
    pieces = image_bytes // piece
    return max(1, pieces * int(case.parameters["changed"]) // _WHOLE) * piece


def store_of(case: Case, image_bytes: int) -> Store:
    """A store with room for what a Case's update changes."""
    chunks = changed_bytes(case, image_bytes) // CHUNK_BYTES
    metadata = _HEADER_CHUNKS + chunks // _ENTRIES + 1
    extents = int(case.parameters["extents"])
    in_extent = -(-(chunks + metadata + _SPARE_CHUNKS) // extents)
    return Store(extents=extents, extent_bytes=in_extent * CHUNK_BYTES)


def snapshot_table(kind: str, image_bytes: int, base: str, store: str) -> str:
    """The table of a persistent snapshot; ``kind`` is snapshot or snapshot-merge.

    Source: admin-guide/device-mapper/snapshot.rst.
    """
    chunk_sectors = CHUNK_BYTES // SECTOR_BYTES
    return f"0 {image_bytes // SECTOR_BYTES} {kind} {base} {store} P {chunk_sectors}"


def base_start(layout: Layout) -> int:
    """Where the image that is updated begins, in bytes: behind what the update is held against."""
    return layout.device_bytes


def stores_start(layout: Layout) -> int:
    """Where the stores begin, in bytes. All do: there is one at a time."""
    return base_start(layout) + layout.image_bytes


def device_bytes(layout: Layout, stores: list[Store]) -> int:
    """What all of it takes."""
    return stores_start(layout) + max((one.room_bytes for one in stores), default=0)
