"""Images of file systems among what was named: mounted read-only, so that their files are seen.

mount(8) makes the loop device, which goes with the mount: the image need not have a name of ours,
nor be copied.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

import msgspec

from loadstone.errors import CannotMeasureError, UsageError, as_root
from loadstone.layout.survey import LayoutSummary
from loadstone.model import Noun
from loadstone.provision.file_system import mount_point, mounted_file_system
from loadstone.provision.journal import Journal
from loadstone.text import printable

_AS_A_FILE = "--no-mount counts an image as the one file that it is"


class _Magic(Noun, frozen=True, kw_only=True):
    """What an image begins with, and how it is mounted without a write to it.

    Source: the superblock of each kind: fs/erofs/erofs_fs.h, include/linux/f2fs_fs.h,
    fs/ext4/ext4.h, fs/squashfs/squashfs_fs.h.
    """

    offset: int
    bytes: bytes
    options: str = ""


_KINDS = {
    "erofs": _Magic(offset=1024, bytes=b"\xe2\xe1\xf5\xe0"),
    "f2fs": _Magic(offset=1024, bytes=b"\x10\x20\xf5\xf2", options="norecovery"),
    "ext4": _Magic(offset=1080, bytes=b"\x53\xef", options="noload"),
    "squashfs": _Magic(offset=0, bytes=b"hsqs"),
}
# Android's, of which simg2img makes an image (libsparse/sparse_format.h).
_SPARSE = _Magic(offset=0, bytes=b"\x3a\xff\x26\xed")
_READ_BYTES = max(one.offset + len(one.bytes) for one in _KINDS.values())


class Opened(Noun, frozen=True, kw_only=True):
    """What is looked at for each path that was named; ``images`` are by their mount points."""

    paths: tuple[str, ...]
    images: Mapping[str, str]

    def as_named(self, found: LayoutSummary) -> LayoutSummary:
        """The same, of the paths that were named."""
        unseen = tuple(
            msgspec.structs.replace(one, example=self._as_named(one.example))
            for one in found.unseen
        )
        paths = tuple(map(self._as_named, found.paths))
        return msgspec.structs.replace(found, paths=paths, unseen=unseen)

    def _as_named(self, path: str) -> str:
        for point, image in self.images.items():
            if path == point or path.startswith(f"{point}/"):
                return printable(image) + path.removeprefix(point)
        return path


def kind_of(path: Path) -> str | None:
    """The file system of an image; None where it is none, or nothing that can be read.

    Raises:
        UsageError: it is one of Android's sparse images, which nothing mounts.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as stream:
            data = stream.read(_READ_BYTES)
    except OSError:
        # Whoever looks at it says so.
        return None
    if _has(data, _SPARSE):
        raise UsageError(
            f"{printable(str(path))} is one of Android's sparse images, which cannot be mounted",
            remedy=f"make one of it that can (simg2img), or {_AS_A_FILE}",
        )
    return next((kind for kind, magic in _KINDS.items() if _has(data, magic)), None)


def images_among(paths: Sequence[str]) -> dict[str, str]:
    """Those of some paths that are images, with their file systems.

    Raises:
        UsageError: as of ``kind_of``.
    """
    kinds = {path: kind_of(Path(path)) for path in paths}
    return {path: kind for path, kind in kinds.items() if kind is not None}


@contextlib.contextmanager
def opened_images(
    paths: Sequence[str], kinds: Mapping[str, str], journal: Journal, directory: PurePath
) -> Iterator[Opened]:
    """Mount the images among some paths; unmounted at the end.

    Args:
        kinds: as of ``images_among``.
        directory: has the mount points.

    Raises:
        CannotMeasureError: this user may not mount, or the kernel cannot mount an image.
    """
    points = {path: mount_point(directory).absolute() for path in kinds}
    with contextlib.ExitStack() as stack:
        for path, kind in kinds.items():
            stack.enter_context(_mounted(path, kind, points[path], journal))
        yield Opened(
            paths=tuple(str(points.get(path, path)) for path in paths),
            images={str(point): path for path, point in points.items()},
        )


@contextlib.contextmanager
def _mounted(path: str, kind: str, point: Path, journal: Journal) -> Iterator[None]:
    what = f"{printable(path)} is an image of {kind}"
    if os.geteuid():
        raise CannotMeasureError(
            f"{what}, and mounting it, to see what is in it, is root's",
            remedy=f"{as_root()}; {_AS_A_FILE}",
        )
    options = ",".join(filter(None, ("ro,loop", _KINDS[kind].options)))
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(
                mounted_file_system(str(Path(path).resolve()), kind, options, point, journal)
            )
        except CannotMeasureError as error:
            raise CannotMeasureError(
                f"{what}, and cannot be mounted: {error.what}",
                remedy=f"see dmesg for what {kind} says; {_AS_A_FILE}",
            ) from error
        yield


def _has(data: bytes, magic: _Magic) -> bool:
    return data[magic.offset : magic.offset + len(magic.bytes)] == magic.bytes
