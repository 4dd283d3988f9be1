"""SquashFS images: made by mksquashfs, and what their superblocks say of them."""

import re
import shlex
from pathlib import Path

from loadstone.durable import sync_file
from loadstone.errors import CannotMeasureError
from loadstone.model import Noun
from loadstone.programs import ask_program, run_program

PROGRAM, PACKAGE = "mksquashfs", "squashfs-tools"

LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES = 4 << 10, 1 << 20
"""Source: SQUASHFS_FILE_MAX_SIZE, fs/squashfs/squashfs_fs.h."""

LZ4HC_LEVEL = 12
"""The one level of LZ4HC that mksquashfs has (-Xhc). Source: LZ4HC_CLEVEL_MAX, lz4hc.h."""

_UNCOMPRESSED = "none"
# By the word of -comp, with the superblock's number. What is not compressed has one all the same,
# which the kernel must have.
_COMPRESSORS = {"gzip": 1, "lz4": 5, "zstd": 6}
_MAGIC = b"hsqs"
_SUPERBLOCK_BYTES = 96
# The same image for the same files, and nothing asked or shown.
_FIXED = ("-noappend", "-no-progress", "-quiet", "-all-root", "-no-xattrs")
_NO_TIMES = ("-mkfs-time", "0", "-all-time", "0")


class SquashfsSpec(Noun, frozen=True, kw_only=True):
    """How an image is made; ``algorithm`` is lz4, zstd or none, ``level`` 0 lz4 itself."""

    algorithm: str
    level: int
    block_bytes: int


class SquashfsSuperblock(Noun, frozen=True, kw_only=True):
    """What an image says of itself; ``used_bytes`` is all but what fills up its last block."""

    compressor: int
    block_bytes: int
    used_bytes: int


def read_squashfs_superblock(image: Path) -> SquashfsSuperblock | None:
    """The superblock of a file; None where it is no SquashFS image.

    Source: struct squashfs_super_block, fs/squashfs/squashfs_fs.h.
    """
    with image.open("rb") as stream:
        data = stream.read(_SUPERBLOCK_BYTES)
    if len(data) < _SUPERBLOCK_BYTES or not data.startswith(_MAGIC):
        return None
    return SquashfsSuperblock(
        compressor=int.from_bytes(data[20:22], "little"),
        block_bytes=int.from_bytes(data[12:16], "little"),
        used_bytes=int.from_bytes(data[40:48], "little"),
    )


def make_squashfs_image(source: Path, image: Path, spec: SquashfsSpec) -> SquashfsSuperblock:
    """Make an image of a directory; it is on the disk when this returns.

    Raises:
        CannotMeasureError: mksquashfs is missing or refuses, or the image is not as asked.
    """
    words = [str(source), str(image), *_FIXED, *_NO_TIMES, *_compression(spec)]
    refusal = run_program(PROGRAM, PACKAGE, *words)
    if refusal is not None:
        raise CannotMeasureError(
            f"{shlex.join([PROGRAM, *words])}: {refusal}",
            remedy="free space if that is short; else --set algorithm, level or cluster to what "
            f"this mksquashfs has ({squashfs_tools_version()}), or install a later {PACKAGE}",
        )
    superblock = read_squashfs_superblock(image)
    wanted = (_COMPRESSORS[_compressor(spec)], spec.block_bytes)
    if superblock is None or (superblock.compressor, superblock.block_bytes) != wanted:
        raise CannotMeasureError(
            f"the image of mksquashfs {squashfs_tools_version()} is not compressed by "
            f"{_compressor(spec)} in blocks of {spec.block_bytes} bytes",
            remedy=f"install a later {PACKAGE} (4.5 has them)",
        )
    sync_file(image)
    return superblock


def squashfs_tools_version() -> str:
    """The version of mksquashfs, as it tells it.

    Raises:
        CannotMeasureError: there is none.
    """
    found = re.search(r"\d+\.\d+(\.\d+)?", ask_program(PROGRAM, PACKAGE, "-version")[0])
    return found[0] if found else "of an unknown version"


def _compressor(spec: SquashfsSpec) -> str:
    return "gzip" if spec.algorithm == _UNCOMPRESSED else spec.algorithm


def _compression(spec: SquashfsSpec) -> list[str]:
    words = ["-b", str(spec.block_bytes), "-comp", _compressor(spec)]
    match spec.algorithm:
        case "lz4":
            return [*words, "-Xhc"] if spec.level else words
        case "zstd":
            return [*words, "-Xcompression-level", str(spec.level)]
        case _:
            # Neither inodes, data, fragments nor extended attributes.
            return [*words, "-noI", "-noD", "-noF", "-noX"]
