"""What a path lies on: its file system, block devices, images, down to the lowest devices.

Each layer may cache what it reads. Those that Linux shows are named; so are those that it does
not let anybody look through: FUSE, network file systems, devices that a program serves.
"""

import errno
import re
import stat
from collections.abc import Iterator, Sequence

import msgspec

from loadstone.core.file_extents import read_extents
from loadstone.core.remote_files import Execute, FileStat, list_directories, stat_file
from loadstone.environment import ReadText, ReadTexts
from loadstone.environment.block import BlockNode, read_stacks
from loadstone.environment.file_system import MEMORY_FILE_SYSTEMS
from loadstone.environment.mounts import Mount, find_mount, parse_mountinfo
from loadstone.model import CoreError, Noun

_DEEPEST = 6
_BTRFS = "/sys/fs/btrfs"
# A program, or another machine, answers for these.
_SERVED = re.compile(r"(nbd|rbd|drbd|ublkb)[0-9]+")
_FUSE = "fuse"


class Image(Noun, frozen=True, kw_only=True):
    """A file that a device, or a file system, is made of: ``upon`` is which of them."""

    path: str
    upon: str
    fs_type: str
    is_direct: bool


class Storage(Noun, frozen=True, kw_only=True):
    """The layers of a path.

    ``fs_type`` is that of the file system that has the data, which under an overlay is another than
    ``mount``'s. ``stacks`` are its own block devices. ``unseen`` are layers that cannot be looked
    through; then the ``lowest`` devices are not known. None but what is known completely.
    """

    mount: Mount | None = None
    fs_type: str | None = None
    stacks: tuple[BlockNode, ...] = ()
    lowest: tuple[BlockNode, ...] = ()
    images: tuple[Image, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def caches(self) -> tuple[str, ...]:
        """The layers below the file system that keep what they read in this machine's memory."""
        return tuple(
            f"the page cache of {image.path} below {image.upon}"
            for image in self.images
            if not image.is_direct
        )


def find_storage(
    seen: FileStat, read_text: ReadText, read_texts: ReadTexts, execute: Execute
) -> Storage:
    """The layers of a path, or of the block device that it is."""
    mounts = parse_mountinfo(read_text("/proc/self/mountinfo") or "")
    return _Finder(mounts, read_texts, execute).storage(seen, 0)


class _Finder:
    def __init__(self, mounts: list[Mount], read_texts: ReadTexts, execute: Execute) -> None:
        self._mounts = mounts
        self._read_texts = read_texts
        self._execute = execute

    def storage(self, seen: FileStat, depth: int) -> Storage:
        if stat.S_ISBLK(seen.type):
            return self._on_devices(None, None, (_number(seen.rdev),), depth)
        mount = find_mount(self._mounts, seen.real_path)
        if mount is None:
            return self._on_devices(None, None, (_number(seen.device),), depth)
        if mount.fs_type == "overlay":
            return self._on_overlay(mount, seen, depth)
        if seen.device[0]:
            devices = (_number(seen.device), *self._realtime(mount))
            return self._on_devices(mount, mount.fs_type, devices, depth)
        if mount.fs_type == "btrfs":
            return self._on_btrfs(mount, seen.real_path, depth)
        return self._on_source(mount, depth)

    def _on_devices(
        self, mount: Mount | None, fs_type: str | None, devices: Sequence[str], depth: int
    ) -> Storage:
        found = read_stacks(self._read_texts, self._execute, devices)
        if not found:
            return _opaque(mount) if mount else Storage()
        resolved = [self._resolve(node, depth) for node in found]
        stacks = tuple(node for node, _, _ in resolved)
        lowest = {node.path: node for stack in stacks for node in stack.lowest()}
        unseen = [text for _, _, texts in resolved for text in texts]
        if mount and mount.fs_type.startswith(_FUSE):
            unseen.insert(0, _words(mount))
        return Storage(
            mount=mount,
            fs_type=fs_type,
            stacks=stacks,
            lowest=tuple(lowest.values()),
            images=tuple(image for _, images, _ in resolved for image in images),
            unseen=tuple(dict.fromkeys(unseen)),
        )

    def _resolve(self, node: BlockNode, depth: int) -> tuple[BlockNode, list[Image], list[str]]:
        """A device with what its image lies on below it, the images in it, and what is unseen."""
        if _SERVED.match(node.name):
            return node, [], [f"what serves {node.name}"]
        if node.image is None:
            parts = [self._resolve(one, depth) for one in node.below]
            images = [image for _, found, _ in parts for image in found]
            unseen = [text for _, _, texts in parts for text in texts]
            below = tuple(one for one, _, _ in parts)
            return msgspec.structs.replace(node, below=below), images, unseen
        beneath = self._of_image(node.image, depth)
        image = Image(
            path=node.image,
            upon=node.name,
            fs_type=beneath.fs_type or "",
            is_direct=node.reads_directly,
        )
        node = msgspec.structs.replace(node, below=beneath.stacks)
        return node, [image, *beneath.images], list(beneath.unseen)

    def _of_image(self, path: str, depth: int) -> Storage:
        if depth >= _DEEPEST:
            return Storage(unseen=(path,))
        seen = stat_file(self._execute, path)
        if not isinstance(seen, CoreError):
            return self.storage(seen, depth + 1)
        mount = find_mount(self._mounts, path)
        # The kernel tells its path to those too who may not go there.
        if seen.code not in (errno.EACCES, errno.EPERM) or mount is None:
            return Storage(unseen=(f"{path}, which is not found from here",))
        if mount.device.startswith("0:"):
            return self._on_source(mount, depth + 1)
        return self._on_devices(mount, mount.fs_type, (mount.device,), depth + 1)

    def _realtime(self, mount: Mount) -> Iterator[str]:
        """The other device of an XFS that keeps data on it; which file lies where is not told."""
        found = re.search(r"\brtdev=([^,;]+)", mount.options) if mount.fs_type == "xfs" else None
        if found:
            seen = stat_file(self._execute, found[1])
            yield "" if isinstance(seen, CoreError) else _number(seen.rdev)

    def _on_btrfs(self, mount: Mount, path: str, depth: int) -> Storage:
        """By the devices that its directory in /sys links to, if none that it must have lacks."""
        known = read_extents(self._execute, path).btrfs
        if known is None:
            return self._on_source(mount, depth)
        identity, count = known
        place = f"{_BTRFS}/{identity}/devices"
        links = list_directories(self._execute, [place]).get(place, {})
        paths = [f"{real}/dev" for name, real in links.items() if name != "."]
        numbers = [text.strip() for text in self._read_texts(paths).values()]
        if not numbers or len(numbers) < count:
            unknown = f"btrfs, of whose {count} devices {len(numbers)} are known"
            return Storage(mount=mount, fs_type=mount.fs_type, unseen=(unknown,))
        return self._on_devices(mount, mount.fs_type, numbers, depth)

    def _on_source(self, mount: Mount, depth: int) -> Storage:
        """A file system whose device numbers are its own: what it was mounted from, if a device."""
        if mount.fs_type in MEMORY_FILE_SYSTEMS:
            return Storage(mount=mount, fs_type=mount.fs_type)
        sources = mount.source.split(":") if mount.fs_type == "bcachefs" else [mount.source]
        if not all(source.startswith("/") for source in sources):
            return _opaque(mount)
        found = [stat_file(self._execute, source) for source in sources]
        seen = [one for one in found if not isinstance(one, CoreError)]
        if seen == found and all(stat.S_ISBLK(one.type) for one in seen):
            numbers = [_number(one.rdev) for one in seen]
            return self._on_devices(mount, mount.fs_type, numbers, depth)
        if seen == found and mount.fs_type == "erofs" and stat.S_ISREG(seen[0].type):
            return self._on_image(mount, depth)
        return _opaque(mount)

    def _on_image(self, mount: Mount, depth: int) -> Storage:
        """A file system right on a file, as EROFS can be, which has no device of its own."""
        beneath = self._of_image(mount.source, depth)
        image = Image(
            path=mount.source,
            upon=mount.fs_type,
            fs_type=beneath.fs_type or "",
            is_direct="directio" in re.split("[,;]", mount.options),
        )
        return Storage(
            mount=mount,
            fs_type=mount.fs_type,
            lowest=beneath.lowest,
            images=(image, *beneath.images),
            unseen=beneath.unseen,
        )

    def _on_overlay(self, mount: Mount, seen: FileStat, depth: int) -> Storage:
        """By the first of its layers that has the very file; a directory may be of several."""
        inside = seen.real_path.removeprefix(mount.point).lstrip("/")
        for layer in _layers(mount):
            found = stat_file(self._execute, f"{layer}/{inside}")
            if isinstance(found, CoreError) or depth >= _DEEPEST:
                continue
            if _identity(found) == _identity(seen):
                return msgspec.structs.replace(self.storage(found, depth + 1), mount=mount)
        return Storage(mount=mount, fs_type=mount.fs_type, unseen=("what lies below overlay",))


def _identity(seen: FileStat) -> tuple[int, int, int]:
    """What an overlay tells of a file as its layer does; numbers of inodes may be its own."""
    return seen.type, seen.file_bytes, seen.mtime_ns


def _layers(mount: Mount) -> Iterator[str]:
    """From the top, as mount(8) was told."""
    for name in ("upperdir", r"lowerdir\+?"):
        for text in re.findall(rf"\b{name}=([^,;]+)", mount.options):
            yield from re.split(r"(?<!\\):+", text)


def _opaque(mount: Mount) -> Storage:
    return Storage(mount=mount, fs_type=mount.fs_type, unseen=(_words(mount),))


def _words(mount: Mount) -> str:
    """``nfs4 (server:/models)``."""
    if mount.source in ("none", "", mount.fs_type):
        return mount.fs_type
    return f"{mount.fs_type} ({mount.source})"


def _number(device: tuple[int, int]) -> str:
    return f"{device[0]}:{device[1]}"
