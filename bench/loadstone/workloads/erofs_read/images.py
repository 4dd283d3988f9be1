"""The images of erofs-read: one for each way that its Cases have them made, on a loop device."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from loadstone.core.explain import skipped, skipped_by
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Case, Finding, Noun, Value
from loadstone.provision.erofs_image import (
    UNCOMPRESSED,
    ErofsSpec,
    Superblock,
    make_erofs_image,
    read_superblock,
)
from loadstone.provision.file_system import mount_point, mounted_file_system
from loadstone.provision.image_source import (
    Source,
    copy_file,
    largest_file,
    require_same,
    require_unchanged,
)
from loadstone.provision.journal import Journal
from loadstone.provision.loop_device import (
    device_number,
    goes_direct,
    loop_device,
    read_ahead_kb,
    whole_sectors,
)
from loadstone.provision.scratch_file import scratch_file
from loadstone.provision.tunable import kept_tunable
from loadstone.targets import Say, Target
from loadstone.workloads.set_up import entered_or_skipped

AS_IS = "as-is"
"""The algorithm of an image that is the user's own."""


class MountSpec(Noun, frozen=True, kw_only=True):
    """What a Case asks of its image, and of its mount; ``image`` is None for the user's own."""

    image: ErofsSpec | None
    cache_strategy: str

    @staticmethod
    def of(parameters: Mapping[str, Value]) -> "MountSpec":
        algorithm = str(parameters["algorithm"])
        spec = ErofsSpec(
            algorithm=algorithm,
            level=int(parameters["level"]),
            pcluster_bytes=int(parameters["pcluster"]),
            options=str(parameters["options"]),
        )
        return MountSpec(
            image=None if algorithm == AS_IS else spec,
            cache_strategy=str(parameters["cache_strategy"]),
        )

    @property
    def options(self) -> str:
        """As for ``mount -o``."""
        return f"ro,cache_strategy={self.cache_strategy}"


class Image(Noun, frozen=True, kw_only=True):
    """An image on a loop device; ``number`` is its ``MAJ:MIN``.

    ``file`` is the one that is read, by its path below the mount point.
    """

    device: str
    number: str
    bytes: int
    is_direct: bool
    file: str
    file_bytes: int

    @property
    def read_ahead_kb(self) -> str:
        """The tunable of the loop device."""
        return read_ahead_kb(self.device)


@contextlib.contextmanager
def images_of(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    cases: Sequence[Case],
    say: Say,
) -> Iterator[Mapping[MountSpec, Image | Finding]]:
    """Make what the Cases ask for, and mount each once; where that fails, a skip says why.

    Raises:
        LoadstoneError: an image that was made here holds other data than it was made of.
    """
    asked = list(dict.fromkeys(MountSpec.of(case.parameters) for case in cases))
    with contextlib.ExitStack() as stack:
        images = {
            spec: _made_or_skipped(stack, target, journal, directory, source, spec, say)
            for spec in dict.fromkeys(one.image for one in asked)
        }
        require_unchanged(source)
        verified: set[ErofsSpec] = set()
        yield {
            spec: _mountable(target, journal, directory, source, images[spec.image], spec, verified)
            for spec in asked
        }


def image_count(cases: Sequence[Case]) -> int:
    """How many images the Cases take."""
    return len({MountSpec.of(case.parameters).image for case in cases})


def _made_or_skipped(
    stack: contextlib.ExitStack,
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    spec: ErofsSpec | None,
    say: Say,
) -> Image | Finding:
    if (spec is None) != source.is_image:
        return _other_input(spec)
    return entered_or_skipped(stack, _made(target, journal, directory, source, spec, say))


def _other_input(spec: ErofsSpec | None) -> Finding:
    if spec is None:
        return skipped(
            f"algorithm {AS_IS} reads an image that is there, and none was named",
            "--file IMAGE of an EROFS image, or --set algorithm to another",
        )
    return skipped(
        "--file names an EROFS image, which is read as it is", f"--set algorithm={AS_IS}"
    )


@contextlib.contextmanager
def _made(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    spec: ErofsSpec | None,
    say: Say,
) -> Iterator[Image]:
    with scratch_file(target, journal, "image", directory) as scratch:
        path = Path(scratch)
        if spec is None:
            say("copying the image")
            copy_file(source.tree, path)
            _require_readable(read_superblock(path))
        else:
            say(f"making an EROFS image: {_words(spec)}")
            make_erofs_image(source.tree, path, spec)
        size_bytes = whole_sectors(path)
        with loop_device(target, journal, path) as device:
            image = Image(
                device=device,
                number=device_number(device),
                bytes=size_bytes,
                is_direct=goes_direct(target, device),
                file=source.file,
                file_bytes=(source.tree / source.file).stat().st_size,
            )
            with kept_tunable(target, journal, image.read_ahead_kb):
                yield image


def _words(spec: ErofsSpec) -> str:
    if spec.algorithm == UNCOMPRESSED:
        return "not compressed"
    return f"{spec.algorithm}, clusters of {spec.pcluster_bytes} bytes, options {spec.options}"


def _require_readable(superblock: Superblock | None) -> None:
    page_bytes = os.sysconf("SC_PAGESIZE")
    if superblock is not None and superblock.block_bytes > page_bytes:
        raise CannotMeasureError(
            f"the image has blocks of {superblock.block_bytes} bytes, and pages have {page_bytes} "
            "here: EROFS mounts none whose blocks are larger",
            remedy=f"make it with mkfs.erofs -b {page_bytes}, or take a machine of such pages",
        )


def _mountable(
    target: Target,
    journal: Journal,
    directory: PurePath,
    source: Source,
    image: Image | Finding,
    spec: MountSpec,
    verified: set[ErofsSpec],
) -> Image | Finding:
    """The image, once it has been mounted that way; a file of the user's image is found there.

    Of one that was made here all of the file is read, the first time, and held against its source.
    """
    if isinstance(image, Finding):
        return image
    point = mount_point(directory)
    try:
        with mounted_file_system(image.device, "erofs", spec.options, point, journal):
            if spec.image is not None:
                if spec.image not in verified:
                    what = f"an EROFS image ({_words(spec.image)})"
                    require_same(target, journal, point / image.file, source, what)
                    verified.add(spec.image)
                return image
            file, file_bytes, _ = largest_file(point)
    except CannotMeasureError as error:
        return skipped(
            error.what,
            "see dmesg for what EROFS says: this kernel may lack the algorithm "
            "(CONFIG_EROFS_FS_ZIP…) or the option, or the image is corrupt",
        )
    except UsageError as error:
        return skipped_by(error)
    return Image(
        device=image.device,
        number=image.number,
        bytes=image.bytes,
        is_direct=image.is_direct,
        file=file,
        file_bytes=file_bytes,
    )
