"""File systems that are made for a Run, each on a loop device of its own over a sparse image."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from loadstone.errors import CannotMeasureError
from loadstone.model import Noun, Value
from loadstone.provision.file_system import made_file_system, mount_point
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import read_ahead_kb, sparse_loop_device
from loadstone.targets import Target

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LoopFileSystem(Noun, frozen=True, kw_only=True):
    """A file system that is mounted on ``path``; ``number`` is its loop device's ``MAJ:MIN``.

    ``facts`` are what an Environment says of how it was made, the same for every Run on such a
    file system, whichever loop device was free.
    """

    path: Path
    device: str
    number: str
    facts: Mapping[str, Value]

    @property
    def read_ahead_kb(self) -> str:
        """The tunable of the loop device."""
        return read_ahead_kb(self.device)


@contextlib.contextmanager
def loop_file_system(
    target: Target,
    journal: Journal,
    directory: PurePath,
    type: str,
    *,
    size_bytes: int,
    written_bytes: int,
    mkfs_options: str = "",
    mount_options: str = "",
    smaller: str = "name another --dir",
) -> Iterator[LoopFileSystem]:
    """Make a file system of this machine on a loop device, and mount it; all is gone at the end.

    Args:
        directory: has the image and the mount point.
        type: a key of ``file_system.PACKAGES``.
        size_bytes: of the device; the image is sparse.
        written_bytes: what there has to be room for.
        mkfs_options, mount_options: as of ``made_file_system``.
        smaller: what to do where there is no such room.

    Raises:
        UsageError: the directory is none, or the options are no words.
        CannotMeasureError: there is no room; mkfs, the kernel's part or a loop device is missing;
            or one of them refuses.
    """
    if not target.is_this_machine:
        raise CannotMeasureError(
            f"{type} is made by programs of this machine (mkfs, mount), and {target.name} is "
            "another",
            remedy="name a --dir on a file system of that kind there",
        )
    sparse = sparse_loop_device(
        target,
        journal,
        directory,
        size_bytes=size_bytes,
        written_bytes=written_bytes,
        smaller=smaller,
    )
    with (
        sparse as device,
        made_file_system(
            device.path, type, mkfs_options, mount_options, mount_point(directory), journal
        ) as made,
    ):
        facts = {
            name: _UUID.sub("UUID", text).replace(device.path, "LOOP")
            for name, text in made.facts.items()
        }
        yield LoopFileSystem(
            path=made.path,
            device=device.path,
            number=device.number,
            facts={**facts, "fs.loop_is_direct": device.is_direct},
        )
