"""An image on a block device with its hash trees and blocks of FEC, for verity devices over it."""

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

SECTOR_BYTES = 512

# Of a Reed-Solomon codeword: bytes of data and parity.
_CODEWORD = 255
# Fixed, so that the tree over the same image is the same one.
_SALT = "5a" * 32
_ALGORITHM = "sha256"


class Layout(Noun, frozen=True, kw_only=True):
    """Where things lie on a device: the image, a hash tree for each size of its blocks, and FEC.

    ``fec_roots``: for each count of parity bytes in a codeword there are blocks of FEC, which
    cover the image and its tree of 4 KiB blocks.
    """

    file: str | None
    image_bytes: int
    hash_blocks: tuple[int, ...]
    fec_roots: tuple[int, ...] = ()

    @property
    def device_bytes(self) -> int:
        """What all of it takes."""
        return self._trees_end + sum(map(self.fec_bytes, self.fec_roots))

    @property
    def image_blocks(self) -> int:
        """Data blocks of the image."""
        return self.image_bytes // DATA_BLOCK_BYTES

    @property
    def made_bytes(self) -> int:
        """What the image takes as a file, before it is copied to the device."""
        return self.image_bytes if self.file is None else 0

    def tree_bytes(self, hash_block_bytes: int) -> int:
        """A tree's size: each level hashes the one below, up to a single block."""
        blocks, tree_blocks = self.image_blocks, 0
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

    @property
    def fec_covered_blocks(self) -> int:
        """Those that FEC protects, of image and tree: ``fec_blocks`` of verity's table."""
        return self.image_blocks + self.tree_bytes(DATA_BLOCK_BYTES) // DATA_BLOCK_BYTES

    def fec_rows(self, roots: int) -> int:
        """Codewords' bytes lie that many blocks apart, so that damage in sequence is spread."""
        return -(-self.fec_covered_blocks // (_CODEWORD - roots))

    def fec_bytes(self, roots: int) -> int:
        """What FEC of that many roots takes."""
        return self.fec_rows(roots) * roots * DATA_BLOCK_BYTES

    def fec_start(self, roots: int) -> int:
        """Where FEC of that many roots begins, in bytes."""
        before = self.fec_roots[: self.fec_roots.index(roots)]
        return self._trees_end + sum(map(self.fec_bytes, before))

    @property
    def _trees_end(self) -> int:
        return self.image_bytes + sum(map(self.tree_room, self.hash_blocks))


class Tree(Noun, frozen=True, kw_only=True):
    """A hash tree that was made: its device, its root, and its blocks' size in bytes."""

    device: MappedDevice
    root: str
    block_bytes: int


class Fec(Noun, frozen=True, kw_only=True):
    """Blocks of FEC that were made: their device, and parity bytes in a codeword."""

    device: MappedDevice
    roots: int


def layout_of(
    input: Input,
    hash_blocks: Sequence[int],
    execute: Execute = native.run_job,
    fec_roots: Sequence[int] = (),
) -> Layout:
    """The Layout for the image: the user's file, or one of a size.

    Args:
        fec_roots: parity bytes in a codeword; 0 is no FEC.
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
        fec_roots=tuple(sorted(set(fec_roots) - {0})),
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
        table = linear_target(0, 0, layout.image_bytes, lower)
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
    table = linear_target(0, layout.tree_start(block_bytes), layout.tree_room(block_bytes), lower)
    with mapped_device(target, journal, table, what="hash") as device:
        root = _format(target, layout, data, device, block_bytes)
        yield Tree(device=device, root=root, block_bytes=block_bytes)


@contextlib.contextmanager
def fec_blocks(
    target: Target,
    journal: Journal,
    layout: Layout,
    lower: str,
    data: MappedDevice,
    tree: Tree,
    roots: int,
) -> Iterator[Fec]:
    """FEC over the image and its tree of 4 KiB blocks, on a linear device of its own.

    The tree's device ends where the tree does: FEC counts all of it in.

    Raises:
        CannotMeasureError: there is no veritysetup, or it refuses.
    """
    table = linear_target(0, layout.fec_start(roots), layout.fec_bytes(roots), lower)
    with mapped_device(target, journal, table, what="fec") as device:
        options = (f"--fec-device={device.path}", f"--fec-roots={roots}")
        root = _format(target, layout, data, tree.device, tree.block_bytes, options)
        if root != tree.root:
            raise LoadstoneError(
                f"the root of the hash tree was {tree.root}, and is {root} with FEC",
                remedy="end what else writes to this device",
            )
        yield Fec(device=device, roots=roots)


@contextlib.contextmanager
def fec_by_roots(
    target: Target,
    journal: Journal,
    layout: Layout,
    lower: str,
    data: MappedDevice,
    tree: Tree,
    say: Say,
) -> Iterator[dict[int, Fec]]:
    """FEC of each count of roots that the layout has room for; see ``fec_blocks``."""
    with contextlib.ExitStack() as stack:
        fec = {}
        for roots in layout.fec_roots:
            say(f"making FEC of {roots} roots")
            made = fec_blocks(target, journal, layout, lower, data, tree, roots)
            fec[roots] = stack.enter_context(made)
        yield fec


def verity_table(
    layout: Layout,
    data: MappedDevice,
    tree: Tree,
    options: Sequence[str] = (),
    fec: Fec | None = None,
) -> str:
    """The table of a verity device. Source: admin-guide/device-mapper/verity.rst."""
    words = (
        f"0 {layout.image_bytes // SECTOR_BYTES} verity 1 {data.number} {tree.device.number} "
        f"{DATA_BLOCK_BYTES} {tree.block_bytes} {layout.image_blocks} 0 {_ALGORITHM} "
        f"{tree.root} {_SALT}"
    )
    optional = " ".join(options)
    if fec is not None:
        optional += (
            f" use_fec_from_device {fec.device.number} fec_roots {fec.roots} "
            f"fec_blocks {layout.fec_covered_blocks} fec_start 0"
        )
    return f"{words} {len(optional.split())} {optional.strip()}" if optional else words


def verity_device(
    stack: contextlib.ExitStack, target: Target, journal: Journal, table: str
) -> MappedDevice | str:
    """A verity device of a table, there as long as the stack; or why this kernel makes none."""
    try:
        device = mapped_device(target, journal, table, what="verity", is_read_only=True)
        return stack.enter_context(device)
    except CannotMeasureError as error:
        return error.what


def linear_target(at_bytes: int, start_bytes: int, size_bytes: int, lower: str) -> str:
    """A line of a table: from there on a device is what lies at a start of the one below."""
    sectors = [one // SECTOR_BYTES for one in (at_bytes, size_bytes, start_bytes)]
    return f"{sectors[0]} {sectors[1]} linear {lower} {sectors[2]}"


def _copy(target: Target, file: str, device: str) -> None:
    try:
        target.run_command("dd", f"if={file}", f"of={device}", "bs=1M", "conv=notrunc,fsync")
    except TargetError as error:
        raise CannotMeasureError(error.what, remedy="see dmesg for what the device says") from error


def _format(
    target: Target,
    layout: Layout,
    data: MappedDevice,
    device: MappedDevice,
    block_bytes: int,
    options: Sequence[str] = (),
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
            f"--data-blocks={layout.image_blocks}",
            *options,
            *(data.path, device.path),
        )
    except TargetError as error:
        remedy = "see dmesg, and veritysetup --help for what it knows"
        raise CannotMeasureError(error.what, remedy=remedy) from error
    for line in output.splitlines():
        if line.startswith("Root hash:"):
            return line.partition(":")[2].strip()
    raise LoadstoneError(
        f"veritysetup printed no root hash: {output!r}",
        remedy="install the cryptsetup-bin of this system's release",
    )
