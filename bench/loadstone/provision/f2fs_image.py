"""F2FS of our own: made by mkfs.f2fs on a loop device."""

import contextlib
from pathlib import PurePath

from loadstone.provision.journal import Journal
from loadstone.provision.loop_file_system import LoopFileSystem, loop_file_system
from loadstone.targets import Target

TYPE = "f2fs"

# Sections in reserve, and those that are written to at the same time.
_LEAST_BYTES = 512 << 20
_METADATA_BYTES = 64 << 20
_SEGMENT_BYTES = 2 << 20


def f2fs_image(
    target: Target,
    journal: Journal,
    directory: PurePath,
    files_bytes: int,
    *,
    mkfs_options: str = "",
    mount_options: str = "",
    smaller: str = "take a smaller --size, or name another --dir",
) -> contextlib.AbstractContextManager[LoopFileSystem]:
    """Make and mount an F2FS; all is gone at the end.

    Args:
        directory: has the image and the mount point.
        files_bytes: what its files take, not compressed.
        mkfs_options, mount_options: for mkfs.f2fs, quoted as for a shell, and for ``mount -o``.
        smaller: what to do where there is no room.

    Raises:
        CannotMeasureError: there is no mkfs.f2fs, no F2FS in this kernel, no room or no loop
            device; or an option is refused.
    """
    return loop_file_system(
        target,
        journal,
        directory,
        TYPE,
        size_bytes=device_bytes(files_bytes),
        written_bytes=files_bytes + _METADATA_BYTES,
        mkfs_options=mkfs_options,
        mount_options=mount_options,
        smaller=smaller,
    )


def device_bytes(files_bytes: int, copies: int = 2) -> int:
    """A size of a device with room for files, in whole segments.

    Args:
        copies: of all of them that there is room for, as what is overwritten is not free at once.
    """
    least_bytes = _LEAST_BYTES + copies * files_bytes
    return -(-least_bytes // _SEGMENT_BYTES) * _SEGMENT_BYTES
