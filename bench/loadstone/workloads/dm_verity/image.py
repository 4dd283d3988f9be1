"""An image on a block device with its hash trees, and verity devices over it."""

import contextlib
from collections.abc import Iterator, Sequence

from loadstone.core import native
from loadstone.core.explain import describe
from loadstone.core.remote_files import Execute, FileStat, stat_file
from loadstone.errors import CannotMeasureError, LoadstoneError, TargetError, UsageError
from loadstone.model import Input, Noun
from loadstone.programs import find_program
from loadstone.provision.device_mapper import MappedDevice, mapped_device
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import loadable_file
from loadstone.provision.scratch_file import make_file, scratch_directory, scratch_file
from loadstone.targets import Say, Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded

DATA_BLOCK_BYTES = 4096
DIGEST_BYTES = 32
DEFAULT_BYTES = 64 << 20

_SECTOR_BYTES = 512
# Fixed, so that the tree over the same image is the same one.
_SALT = "5a" * 32
_ALGORITHM = "sha256"


class Layout(Noun, frozen=True, kw_only=True):
    """Where on a device the image lies, and behind it a hash tree for each size of its blocks."""

    file: str | None
    image_bytes: int
    hash_blocks: tuple[int, ...]

    @property
    def device_bytes(self) -> int:
        """What all of it takes."""
        return self.image_bytes + sum(map(self.tree_room, self.hash_blocks))

    @property
    def made_bytes(self) -> int:
        """What the image takes as a file, before it is copied to the device."""
        return self.image_bytes if self.file is None else 0

    def tree_bytes(self, hash_block_bytes: int) -> int:
        """A tree's size: each level hashes the one below, up to a single block."""
        blocks, tree_blocks = self.image_bytes // DATA_BLOCK_BYTES, 0
        while blocks > 1 or not tree_blocks:
            blocks = -(-blocks * DIGEST_BYTES // hash_block_bytes)
            tree_blocks += blocks
        return tree_blocks * hash_block_bytes

    def tree_start(self, hash_block_bytes: int) -> int:
        """Where the tree of that block size begins, in bytes."""
        before = self.hash_blocks[: self.hash_blocks.index(hash_block_bytes)]
        return self.image_bytes + sum(map(self.tree_room, before))

    def tree_room(self, hash_block_bytes: int) -> int:
        """What is set aside for a tree: whole blocks of any device."""
        return -(-self.tree_bytes(hash_block_bytes) // DATA_BLOCK_BYTES) * DATA_BLOCK_BYTES


class Tree(Noun, frozen=True, kw_only=True):
    """A hash tree that was made: its device, its root, and its blocks' size in bytes."""

    device: MappedDevice
    root: str
    block_bytes: int


def layout_of(
    input: Input, hash_blocks: Sequence[int], execute: Execute = native.run_job
) -> Layout:
    """The Layout for the image: the user's file, or one of a size.

    Args:
        execute: carries out Jobs where the file is; on this machine if not said.

    Raises:
        UsageError: the file is missing, empty, or none that this user may read.
    """
    file = loadable_file(input.file, execute) if input.file is not None else None
    asked = _size_of(execute, file) if file is not None else input.size_bytes or DEFAULT_BYTES
    largest = max((*hash_blocks, DATA_BLOCK_BYTES))
    return Layout(
        file=file,
        image_bytes=-(-asked // largest) * largest,
        hash_blocks=tuple(sorted(set(hash_blocks))),
    )


def _size_of(execute: Execute, file: str) -> int:
    found = stat_file(execute, file)
    if not isinstance(found, FileStat):
        raise UsageError(describe(found), remedy="keep the file still, and run again")
    return found.file_bytes


@contextlib.contextmanager
def image_on(
    target: Target, input: Input, journal: Journal, layout: Layout, lower: str, say: Say
) -> Iterator[MappedDevice]:
    """The image on the first part of a device, as a linear device of its own.

    Args:
        lower: the device beneath, ``MAJ:MIN``.

    Raises:
        CannotMeasureError: there is no room for it, or the device refuses.
    """
    with contextlib.ExitStack() as stack:
        table = _linear(0, layout.image_bytes, lower)
        data = stack.enter_context(mapped_device(target, journal, table, what="image"))
        if layout.file is not None:
            say(f"copying {printable(layout.file)} to {data.path}")
            _copy(target, layout.file, data.path)
        else:
            size = format_bytes_rounded(layout.image_bytes)
            say(f"making an image of {size}, incompressible, on {data.path}")
            place = scratch_directory(target, input)
            with scratch_file(target, journal, "image", place) as made:
                make_file(target, made, layout.image_bytes, smaller="take a smaller --size")
                _copy(target, made, data.path)
        yield data


@contextlib.contextmanager
def hash_tree(
    target: Target,
    journal: Journal,
    layout: Layout,
    lower: str,
    data: MappedDevice,
    block_bytes: int,
) -> Iterator[Tree]:
    """A hash tree over the image, on a linear device of its own behind it.

    Raises:
        CannotMeasureError: there is no veritysetup, or it refuses.
    """
    table = _linear(layout.tree_start(block_bytes), layout.tree_room(block_bytes), lower)
    with mapped_device(target, journal, table, what="hash") as device:
        root = _format(target, layout, data, device, block_bytes)
        yield Tree(device=device, root=root, block_bytes=block_bytes)


def verity_table(layout: Layout, data: MappedDevice, tree: Tree, options: Sequence[str]) -> str:
    """The table of a verity device. Source: admin-guide/device-mapper/verity.rst."""
    blocks = layout.image_bytes // DATA_BLOCK_BYTES
    words = (
        f"0 {layout.image_bytes // _SECTOR_BYTES} verity 1 {data.number} {tree.device.number} "
        f"{DATA_BLOCK_BYTES} {tree.block_bytes} {blocks} 0 {_ALGORITHM} {tree.root} {_SALT}"
    )
    return f"{words} {len(options)} {' '.join(options)}" if options else words


def _linear(start_bytes: int, size_bytes: int, lower: str) -> str:
    return f"0 {size_bytes // _SECTOR_BYTES} linear {lower} {start_bytes // _SECTOR_BYTES}"


def _copy(target: Target, file: str, device: str) -> None:
    try:
        target.run_command("dd", f"if={file}", f"of={device}", "bs=1M", "conv=notrunc,fsync")
    except TargetError as error:
        raise CannotMeasureError(error.what, remedy="see dmesg for what the device says") from error


def _format(
    target: Target, layout: Layout, data: MappedDevice, device: MappedDevice, block_bytes: int
) -> str:
    """Have the tree made; its root."""
    program = find_program("veritysetup")
    if program is None:
        raise CannotMeasureError(
            "no program veritysetup here, which makes hash trees",
            remedy="install the Debian package cryptsetup-bin",
        )
    try:
        output = target.run_command(
            *(str(program), "format", "--no-superblock", "--format=1"),
            *(f"--hash={_ALGORITHM}", f"--salt={_SALT}", f"--hash-block-size={block_bytes}"),
            f"--data-block-size={DATA_BLOCK_BYTES}",
            f"--data-blocks={layout.image_bytes // DATA_BLOCK_BYTES}",
            *(data.path, device.path),
        )
    except TargetError as error:
        raise CannotMeasureError(error.what, remedy="--set hash_block to another size") from error
    for line in output.splitlines():
        if line.startswith("Root hash:"):
            return line.partition(":")[2].strip()
    raise LoadstoneError(
        f"veritysetup printed no root hash: {output!r}",
        remedy="install the cryptsetup-bin of this system's release",
    )
