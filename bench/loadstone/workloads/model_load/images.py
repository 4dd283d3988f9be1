"""The same model stored once more in file systems of its own, as a phone's lie in such partitions.

Each is on a loop device, alone, read-only, and mounted as long as the Run takes: what is compressed
is held in no page cache but the one that ``drop_caches`` empties, and the device's own counters
tell of each Trial whether it was read from there.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

import msgspec

from loadstone.core.explain import describe, skipped, skipped_by
from loadstone.core.file_extents import read_extents
from loadstone.core.remote_files import FileStat, stat_file
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Finding, Input, Noun, Value
from loadstone.provision.compressed_file import (
    EROFS,
    F2FS,
    LZ4,
    UNCOMPRESSED,
    CompressedFile,
    CompressionSpec,
    compressed_file,
    mounted,
)
from loadstone.provision.image_source import Source, copy_file
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import ModelFile
from loadstone.provision.scratch_file import require_room, scratch_directory, scratch_tree
from loadstone.provision.tunable import kept_tunable
from loadstone.targets import Say, Target
from loadstone.workloads.model_load.engines import DIRECT
from loadstone.workloads.set_up import entered_or_skipped

NO_IMAGE = "none"

_SMALLER = "take a smaller --size, or name another --dir"
_MODEL_NAME = "loadstone-model"
_METADATA_BYTES = 64 << 20


def _spec(file_system: str, cluster_bytes: int = 0) -> CompressionSpec:
    return CompressionSpec(
        file_system=file_system,
        algorithm=LZ4 if cluster_bytes else UNCOMPRESSED,
        level=0,
        cluster_bytes=cluster_bytes or 16 << 10,
    )


IMAGES: Mapping[str, CompressionSpec] = {
    "erofs": _spec(EROFS),
    "erofs:4k": _spec(EROFS, 4 << 10),
    "erofs:64k": _spec(EROFS, 64 << 10),
    "f2fs": _spec(F2FS),
    "f2fs:16k": _spec(F2FS, 16 << 10),
    "f2fs:64k": _spec(F2FS, 64 << 10),
}
"""By the value of the parameter ``image``; those with a size are compressed by lz4 in clusters of
it: F2FS's of what goes in, EROFS's of what comes out."""


class StoredModel(Noun, frozen=True, kw_only=True):
    """The model in an image, as it is mounted, and what an Environment says of how it was made."""

    file: ModelFile
    facts: Mapping[str, Value]


def image_of(case: Case) -> str:
    """The image that a Case loads from; none in Cases of before there was the parameter."""
    return str(case.parameters.get("image", NO_IMAGE))


def images_of(cases: Sequence[Case]) -> list[str]:
    """Those that Cases load from, each once."""
    return [name for name in dict.fromkeys(map(image_of, cases)) if name != NO_IMAGE]


@contextlib.contextmanager
def stored_models(
    target: Target,
    input: Input,
    journal: Journal,
    file: ModelFile,
    cases: Sequence[Case],
    say: Say,
) -> Iterator[Mapping[str, StoredModel | Finding]]:
    """Store the model as the Cases ask for; where that fails, a skip says why.

    Raises:
        LoadstoneError: other data were read than were written.
    """
    wanted = images_of(cases)
    with contextlib.ExitStack() as stack:
        if not wanted or file.is_too_large:
            # Of a file that is too large nobody asks.
            yield {}
            return
        if not target.is_this_machine:
            yield dict.fromkeys(wanted, _elsewhere(target))
            return
        directory = scratch_directory(target, input)
        try:
            models = _stored(stack, target, journal, directory, file, wanted, say)
        except CannotMeasureError as error:
            models = dict.fromkeys(wanted, skipped_by(error))
        yield models


def unfit(case: Case) -> Finding | None:
    """Why nobody can load from an image as a Case says; None where it can be tried."""
    spec = IMAGES.get(image_of(case))
    if spec is None or spec.algorithm == UNCOMPRESSED or case.parameters["io"] != DIRECT:
        return None
    if spec.file_system == F2FS:
        return skipped(
            "F2FS reads a compressed file through the page cache, also where it was opened with "
            "O_DIRECT",
            "--set io=buffered, or image=f2fs, which is not compressed",
        )
    return None


def _elsewhere(target: Target) -> Finding:
    return skipped(
        "an image is made by programs of this machine (mkfs.erofs, mkfs.f2fs), and "
        f"{target.name} is another",
        "`loadstone lab run` or --target local; or --set image=none and --file of a model that "
        "lies in such a file system there",
    )


def _stored(
    stack: contextlib.ExitStack,
    target: Target,
    journal: Journal,
    directory: PurePath,
    file: ModelFile,
    wanted: Sequence[str],
    say: Say,
) -> dict[str, StoredModel | Finding]:
    needed_bytes = (1 + len(wanted)) * file.bytes + len(wanted) * _METADATA_BYTES
    require_room(target, directory, needed_bytes, _SMALLER)
    # The copy goes when the images are made.
    with scratch_tree(journal, "source", directory) as tree:
        copy_file(Path(file.path), tree / _MODEL_NAME)
        source = Source(
            tree=tree,
            is_image=False,
            bytes=file.bytes,
            file=_MODEL_NAME,
            checksums=file.checksums,
            crc32c=file.crc32c or 0,
        )
        return {
            name: entered_or_skipped(
                stack, _stored_model(target, journal, directory, file, source, name, say)
            )
            for name in wanted
        }


@contextlib.contextmanager
def _stored_model(
    target: Target,
    journal: Journal,
    directory: PurePath,
    file: ModelFile,
    source: Source,
    name: str,
    say: Say,
) -> Iterator[StoredModel]:
    with (
        compressed_file(target, journal, directory, source, IMAGES[name], say) as stored,
        _read_ahead_of(target, journal, file, stored),
        mounted(stored, journal, directory) as path,
    ):
        facts: dict[str, Value] = {
            f"image.{name}.bytes": stored.making.stored_bytes,
            f"image.{name}.maker": stored.maker,
            f"image.{name}.is_direct": stored.is_direct,
        }
        yield StoredModel(file=_mounted_file(target, str(path), file), facts=facts)


@contextlib.contextmanager
def _read_ahead_of(
    target: Target, journal: Journal, file: ModelFile, stored: CompressedFile
) -> Iterator[None]:
    """Has the image's device read ahead as far as the one that the model lies on."""
    wanted = target.environment(file.path).facts.get("block.read_ahead_kb")
    with kept_tunable(target, journal, stored.read_ahead_kb):
        if wanted is not None:
            target.write_text(stored.read_ahead_kb, str(wanted))
        yield


def _mounted_file(target: Target, path: str, file: ModelFile) -> ModelFile:
    """The model as its image has it; its checksums are those of the file that it was made of."""
    found = stat_file(target.execute, path)
    if not isinstance(found, FileStat):
        raise CannotMeasureError(
            describe(found), remedy="see dmesg for what the file system of the image says"
        )
    return msgspec.structs.replace(
        file,
        path=path,
        allocated_bytes=found.allocated_bytes,
        stored_bytes=found.allocated_bytes,
        inode=found.inode,
        mtime_ns=found.mtime_ns,
        extents=read_extents(target.execute, path),
    )
