"""EROFS images: made by mkfs.erofs, and what their superblocks say of them.

Old versions of mkfs.erofs ignore options that they do not know, and say that all went well. So
what an image has is read in its superblock.
"""

import re
import shlex
from pathlib import Path

from loadstone.durable import sync_file
from loadstone.errors import CannotMeasureError, UsageError, system_words
from loadstone.model import Noun
from loadstone.programs import ask_program
from loadstone.text import printable

PROGRAM, PACKAGE = "mkfs.erofs", "erofs-utils"

MOST_PCLUSTER_BYTES = 1 << 20
"""The largest physical cluster. Source: Z_EROFS_PCLUSTER_MAX_SIZE, fs/erofs/erofs_fs.h."""

UNCOMPRESSED = "none"
PLAIN = "none"
"""The ``options`` of an image without any."""

OPTIONS = ("ztailpacking", "fragments", "all-fragments", "dedupe")
"""What -E of mkfs.erofs takes of packing more closely."""

ALGORITHMS = {"lz4": 1 << 0, "lz4hc": 1 << 0, "lzma": 1 << 1, "deflate": 1 << 2, "zstd": 1 << 3}
"""By the word of -z, with the superblock's bit (``available_compr_algs``)."""

_OFFSET, _BYTES, _MAGIC = 1024, 128, 0xE0F5E1E2
# Of feature_incompat, which has one bit for fragments and dedupe.
_COMPR_CFGS, _TAILPACKING, _FRAGMENTS_OR_DEDUPE = 0x02, 0x10, 0x20
_LZ4 = ALGORITHMS["lz4"]
# The same image for the same files.
_FIXED = ("-T0", "--all-root", "-U", "5a5a5a5a-5a5a-4a5a-8a5a-5a5a5a5a5a5a")
# What their help says is the default of zstd; without a level 1.8.6 takes -1.
_LEVELS = {"zstd": 3}


class ErofsSpec(Noun, frozen=True, kw_only=True):
    """How an image is made; ``level`` 0 is the algorithm's own, ``pcluster_bytes`` the most that
    a physical cluster takes."""

    algorithm: str = "lz4"
    level: int = 0
    pcluster_bytes: int = 4096
    options: str = PLAIN


class Superblock(Noun, frozen=True, kw_only=True):
    """What an image says of itself; ``features`` are those that a kernel must know."""

    block_bytes: int
    features: int
    algorithms: int
    packed_inode: int


def read_superblock(image: Path) -> Superblock | None:
    """The superblock of a file; None where it is no EROFS image.

    Raises:
        UsageError: it cannot be read.

    Source: struct erofs_super_block, fs/erofs/erofs_fs.h.
    """
    try:
        with image.open("rb") as stream:
            stream.seek(_OFFSET)
            data = stream.read(_BYTES)
    except OSError as error:
        raise UsageError(
            f"read {printable(str(image))}: {system_words(error.errno or 0)}",
            remedy="name a file that this user may read",
        ) from error
    if len(data) < _BYTES or _number(data, 0, 4) != _MAGIC:
        return None
    features = _number(data, 80, 4)
    return Superblock(
        block_bytes=1 << _number(data, 12, 1),
        features=features,
        algorithms=_number(data, 84, 2) if features & _COMPR_CFGS else _LZ4,
        packed_inode=_number(data, 96, 8),
    )


def make_erofs_image(source: Path, image: Path, spec: ErofsSpec) -> None:
    """Make an image of a directory; it is on the disk when this returns.

    Args:
        image: does not exist, or is written over.

    Raises:
        CannotMeasureError: mkfs.erofs is missing or refuses, or the image is not as asked.
    """
    words = [*_FIXED, *_compression(spec), str(image), str(source)]
    refusal = ask_program(PROGRAM, PACKAGE, *words)[1]
    if refusal is not None:
        raise CannotMeasureError(
            f"{shlex.join([PROGRAM, *words])}: {refusal.replace(chr(9), ' ')}",
            remedy="free space if that is short; else --set algorithm, level or options to what "
            f"this mkfs.erofs has ({erofs_utils_version()}), or install a later {PACKAGE}",
        )
    missing = missing_of(spec, read_superblock(image))
    if missing is not None:
        raise CannotMeasureError(
            f"the image of mkfs.erofs {erofs_utils_version()} has no {missing}, as it does not "
            "know them, or found no use for them here",
            remedy=f"--set options={PLAIN}, or install a later {PACKAGE} (1.8 has them all)",
        )
    sync_file(image)


def missing_of(spec: ErofsSpec, superblock: Superblock | None) -> str | None:
    """What an image should have and has not, by its superblock; None where it has all."""
    if superblock is None:
        return "superblock"
    if spec.algorithm == UNCOMPRESSED:
        return None
    has_either = bool(superblock.features & _FRAGMENTS_OR_DEDUPE)
    has_fragments = has_either and superblock.packed_inode != 0
    has = {
        f"{spec.algorithm} clusters": bool(superblock.algorithms & ALGORITHMS[spec.algorithm]),
        "large clusters": spec.pcluster_bytes <= superblock.block_bytes
        or bool(superblock.features & _COMPR_CFGS),
    }
    match spec.options:
        case "ztailpacking":
            has["packed tails"] = bool(superblock.features & _TAILPACKING)
        case "fragments" | "all-fragments":
            has["fragments"] = has_fragments
        case "dedupe":
            has["deduplicated data"] = has_either
    return next((name for name, is_there in has.items() if not is_there), None)


def erofs_utils_version() -> str:
    """The version of mkfs.erofs, as it tells it.

    Raises:
        CannotMeasureError: there is none.
    """
    # Version 1.5 does not know -V, and tells its version before it says so.
    found = re.search(r"\d+\.\d+(\.\d+)?", ask_program(PROGRAM, PACKAGE, "-V")[0])
    return found[0] if found else "of an unknown version"


def _compression(spec: ErofsSpec) -> list[str]:
    if spec.algorithm == UNCOMPRESSED:
        return []
    level = spec.level or _LEVELS.get(spec.algorithm)
    words = [f"-z{spec.algorithm}" + (f",{level}" if level else ""), f"-C{spec.pcluster_bytes}"]
    return words if spec.options == PLAIN else [*words, f"-E{spec.options}"]


def _number(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")
