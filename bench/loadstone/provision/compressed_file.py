"""One file in a compressed file system of its own: an image, or written into F2FS or btrfs.

Each lies on a loop device; it is mounted by whoever reads it, read-only.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path, PurePath

from loadstone.core.evidence import busy_ns, counter_deltas
from loadstone.errors import CannotMeasureError
from loadstone.model import Noun, Outcome
from loadstone.programs import ask_program
from loadstone.provision import erofs_image, squashfs_image
from loadstone.provision.compressing_mount import written_copy
from loadstone.provision.erofs_image import ErofsSpec, erofs_utils_version, make_erofs_image
from loadstone.provision.f2fs_image import device_bytes
from loadstone.provision.file_system import (
    OTHER_MKFS,
    OTHER_MOUNT,
    PACKAGES,
    load_file_system,
    mount_point,
    mounted_file_system,
)
from loadstone.provision.image_source import Source, require_same
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import (
    device_number,
    goes_direct,
    loop_device,
    read_ahead_kb,
    whole_sectors,
)
from loadstone.provision.scratch_file import make_sparse_file, scratch_file
from loadstone.provision.squashfs_image import (
    SquashfsSpec,
    make_squashfs_image,
    squashfs_tools_version,
)
from loadstone.targets import Say, Target
from loadstone.units import format_bytes

F2FS, EROFS, SQUASHFS, BTRFS = "f2fs", "erofs", "squashfs", "btrfs"
UNCOMPRESSED, LZ4, ZSTD = "none", "lz4", "zstd"

BTRFS_CLUSTER_BYTES = 128 << 10
"""What btrfs compresses at once. Source: BTRFS_MAX_COMPRESSED, fs/btrfs/compression.h."""

# Of F2FS, in blocks, which are pages. Source: MIN_COMPRESS_LOG_SIZE and MAX_…, fs/f2fs/f2fs.h.
_F2FS_LOGS = range(2, 9)
_F2FS_MKFS = "-O extra_attr,inode_checksum,compression"
_NAME = "loadstone-file"
# A new copy is written before the old one is free.
_COPIES = 3
_REMEDIES = {
    OTHER_MKFS: "install a later version of what has this mkfs (f2fs-tools 1.14 and later know "
    "compression)",
    OTHER_MOUNT: "see dmesg for what the file system says: this kernel may lack the algorithm "
    "(CONFIG_F2FS_FS_LZ4 and _ZSTD, CONFIG_EROFS_FS_ZIP…, CONFIG_SQUASHFS_LZ4 and _ZSTD) or the "
    "level, or the image is corrupt",
}


class CompressionSpec(Noun, frozen=True, kw_only=True):
    """How a file is stored; ``level`` 0 is of lz4 itself, from 1 on it is that of LZ4HC."""

    file_system: str
    algorithm: str
    level: int
    cluster_bytes: int

    def __str__(self) -> str:
        words = [self.file_system, self.algorithm]
        if self.algorithm != UNCOMPRESSED:
            words += [f"level {self.level}"] if self.level else []
            words.append(f"clusters of {format_bytes(self.cluster_bytes)}")
        return " ".join(words)


class Making(Noun, frozen=True, kw_only=True):
    """What it took to store a file; what is not known is None.

    ``written_bytes`` are what the device counted, ``cpu_ns`` the time of all CPUs, others' work
    included; ``saved_blocks`` is F2FS's own count.
    """

    stored_bytes: int
    elapsed_ns: int
    cpu_ns: float | None
    written_bytes: float | None = None
    saved_blocks: int | None = None


class CompressedFile(Noun, frozen=True, kw_only=True):
    """A stored file: ``name`` below the mount point of a device whose number is ``MAJ:MIN``.

    ``maker`` is the program that made the file system, with its version.
    """

    spec: CompressionSpec
    device: str
    number: str
    name: str
    bytes: int
    making: Making
    is_direct: bool
    maker: str

    @property
    def read_ahead_kb(self) -> str:
        """The tunable of the loop device."""
        return read_ahead_kb(self.device)


@contextlib.contextmanager
def compressed_file(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    spec: CompressionSpec,
    say: Say,
) -> Iterator[CompressedFile]:
    """Store a file as asked, and see that what is read of it is the same; gone at the end.

    Args:
        directory: has the image and, while something is done with it, the mount point.
        source: a tree with nothing but the file.

    Raises:
        CannotMeasureError: it cannot be stored so here.
        LoadstoneError: other data were read than were written.
    """
    require_possible(spec)
    load_file_system(spec.file_system)
    say(f"storing the file: {spec}")
    with contextlib.ExitStack() as stack:
        image = Path(stack.enter_context(scratch_file(target, journal, "image", directory)))
        with _own_remedies():
            if spec.file_system in (EROFS, SQUASHFS):
                making = _imaged(source, image, spec)
                device = stack.enter_context(loop_device(target, journal, image))
                name = source.file
            else:
                make_sparse_file(target, str(image), device_bytes(source.bytes, copies=_COPIES))
                device = stack.enter_context(loop_device(target, journal, image))
                making = _written(target, journal, directory, source, device, spec)
                name = _NAME
            stored = CompressedFile(
                spec=spec,
                device=device,
                number=device_number(device),
                name=name,
                bytes=source.bytes,
                making=making,
                is_direct=goes_direct(target, device),
                maker=_maker(spec.file_system),
            )
            _verify(target, journal, directory, stored, source)
        yield stored


@contextlib.contextmanager
def mounted(stored: CompressedFile, journal: Journal, directory: PurePath) -> Iterator[Path]:
    """Mount a stored file read-only; yields its path."""
    point = mount_point(directory)
    with mounted_file_system(stored.device, stored.spec.file_system, "ro", point, journal):
        yield point / stored.name


def require_possible(spec: CompressionSpec) -> None:
    """Refuse what a file system does not have at all, whatever the machine.

    Raises:
        CannotMeasureError: it has no such algorithm, level or cluster.
    """
    if spec.file_system == BTRFS and spec.algorithm == LZ4:
        raise CannotMeasureError("btrfs has no lz4", remedy="--set algorithm=zstd")
    if spec.algorithm == ZSTD and not spec.level:
        raise CannotMeasureError("zstd has no level 0", remedy="--set level=1 or more")
    if (
        spec.file_system == SQUASHFS
        and spec.algorithm == LZ4
        and spec.level not in (0, squashfs_image.LZ4HC_LEVEL)
    ):
        raise CannotMeasureError(
            f"mksquashfs has no level {spec.level} of lz4",
            remedy=f"--set level=0, or {squashfs_image.LZ4HC_LEVEL} for LZ4HC",
        )
    clusters = _clusters(spec.file_system)
    if spec.cluster_bytes not in clusters and spec.algorithm != UNCOMPRESSED:
        raise CannotMeasureError(
            f"{spec.file_system} has no clusters of {format_bytes(spec.cluster_bytes)} here",
            remedy=f"--set cluster={','.join(map(format_bytes, clusters))}",
        )


def _clusters(file_system: str) -> list[int]:
    """Those that a file system can have; of EROFS the powers of two."""
    match file_system:
        case "f2fs":
            return [os.sysconf("SC_PAGESIZE") << log for log in _F2FS_LOGS]
        case "btrfs":
            return [BTRFS_CLUSTER_BYTES]
        case _:
            return [4096 << log for log in range(9)]


def _imaged(source: Source, image: Path, spec: CompressionSpec) -> Making:
    """By the file system's own program, timed as a whole."""
    before = {"/proc/stat": Path("/proc/stat").read_text()}
    start_ns = time.monotonic_ns()
    if spec.file_system == EROFS:
        make_erofs_image(source.tree, image, _erofs_spec(spec))
        stored_bytes = image.stat().st_size
    else:
        stored_bytes = make_squashfs_image(source.tree, image, _squashfs_spec(spec)).used_bytes
    elapsed_ns = time.monotonic_ns() - start_ns
    after = {"/proc/stat": Path("/proc/stat").read_text()}
    whole_sectors(image)
    return Making(stored_bytes=stored_bytes, elapsed_ns=elapsed_ns, cpu_ns=busy_ns(before, after))


def _erofs_spec(spec: CompressionSpec) -> ErofsSpec:
    is_hc = spec.algorithm == LZ4 and spec.level
    return ErofsSpec(
        algorithm="lz4hc" if is_hc else spec.algorithm,
        level=spec.level,
        pcluster_bytes=spec.cluster_bytes,
    )


def _squashfs_spec(spec: CompressionSpec) -> SquashfsSpec:
    return SquashfsSpec(algorithm=spec.algorithm, level=spec.level, block_bytes=spec.cluster_bytes)


def _written(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    device: str,
    spec: CompressionSpec,
) -> Making:
    """Through a mount that compresses, of a file system that is made for it."""
    is_compressed = spec.algorithm != UNCOMPRESSED
    is_f2fs = spec.file_system == F2FS
    copy = written_copy(
        target,
        journal,
        directory,
        device,
        spec.file_system,
        source=source.tree / source.file,
        name=_NAME,
        mkfs_options=_F2FS_MKFS if is_f2fs else "",
        mount_options=",".join(_mount_options(spec)) if is_compressed else "",
        is_compressed_later=is_f2fs and is_compressed,
    )
    return _making(copy.outcome, copy.stored_bytes)


def _making(outcome: Outcome, stored_bytes: int) -> Making:
    values = outcome.values
    return Making(
        stored_bytes=stored_bytes,
        elapsed_ns=values["elapsed_ns"] - values["reading_ns"],
        cpu_ns=busy_ns(outcome.before, outcome.after),
        written_bytes=counter_deltas(outcome.before, outcome.after).get("block.write_bytes"),
        saved_blocks=values.get("saved_blocks"),
    )


def _mount_options(spec: CompressionSpec) -> list[str]:
    level = f":{spec.level}" if spec.level else ""
    if spec.file_system == BTRFS:
        return [f"compress-force={spec.algorithm}{level}"]
    log = (spec.cluster_bytes // os.sysconf("SC_PAGESIZE")).bit_length() - 1
    return [
        f"compress_algorithm={spec.algorithm}{level}",
        f"compress_log_size={log}",
        "compress_extension=*",
        # Write-back that begins while the file is written meets half clusters, and would store
        # them as they are.
        "compress_mode=user",
    ]


def _verify(
    target: Target, journal: Journal, directory: PurePath, stored: CompressedFile, source: Source
) -> None:
    """Read all of the file once, and hold its checksums against those of its source."""
    with mounted(stored, journal, directory) as file:
        require_same(target, journal, file, source, str(stored.spec))


@contextlib.contextmanager
def _own_remedies() -> Iterator[None]:
    """There is no parameter for options of mkfs and mount here."""
    try:
        yield
    except CannotMeasureError as error:
        if error.remedy not in _REMEDIES:
            raise
        raise CannotMeasureError(error.what, remedy=_REMEDIES[error.remedy]) from error


def _maker(file_system: str) -> str:
    """The program that makes a file system, with its version."""
    match file_system:
        case "erofs":
            return f"{erofs_image.PROGRAM} {erofs_utils_version()}"
        case "squashfs":
            return f"{squashfs_image.PROGRAM} {squashfs_tools_version()}"
        case _:
            program = f"mkfs.{file_system}"
            found = re.search(
                r"\d+\.\d+(\.\d+)?", ask_program(program, PACKAGES[file_system], "-V")[0]
            )
            return f"{program} {found[0] if found else 'of an unknown version'}"
