"""The device of inline-tail: F2FS is made on it anew for each Trial."""

import contextlib
from collections.abc import Iterator
from pathlib import PurePath

from loadstone.layout.inline import InlineFigures
from loadstone.layout.walk import BLOCK_BYTES
from loadstone.provision.f2fs_image import device_bytes
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import LoopDevice, sparse_loop_device
from loadstone.targets import Target

MKFS_OPTIONS = "-O extra_attr,inode_checksum,flexible_inline_xattr -t 0"
"""What phones have; an inode has then room for 3452 bytes. Blocks that were written once stay in
the image, so that no Trial but the first waits for the file system below to find some."""

_MOUNT_OPTIONS = {True: "inline_data", False: "noinline_data"}
_SMALLER = "name a smaller directory, take a smaller --size, or name another --dir"


def mount_options(inline: bool) -> str:
    """As for ``mount -o``."""
    return f"{_MOUNT_OPTIONS[inline]},nodiscard"


@contextlib.contextmanager
def device_for(
    target: Target, journal: Journal, directory: PurePath, inline: InlineFigures
) -> Iterator[LoopDevice]:
    """A loop device with room for a tree, over a sparse image; gone at the end.

    Raises:
        CannotMeasureError: there is no room, or no loop device.
    """
    image_bytes = device_bytes(inline.blocks * BLOCK_BYTES)
    sparse = sparse_loop_device(
        target,
        journal,
        directory,
        size_bytes=image_bytes,
        written_bytes=image_bytes,
        smaller=_SMALLER,
    )
    with sparse as device:
        yield device
