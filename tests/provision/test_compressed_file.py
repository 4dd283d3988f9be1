"""One file in each compressed file system: as asked, as it was, and gone at the end."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from commands import MIB, needs, needs_root
from erofs import needs_erofs, needs_mkfs_erofs
from file_systems import needs_f2fs, needs_squashfs
from loadstone.errors import CannotMeasureError, ExitCode, LoadstoneError
from loadstone.model import Input
from loadstone.programs import run_program
from loadstone.provision.compressed_file import (
    CompressedFile,
    CompressionSpec,
    compressed_file,
    mounted,
    require_possible,
)
from loadstone.provision.image_source import Source, file_source
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget

_BYTES = 4 * MIB + 5
_KIB = 1024


def spec(file_system: str, algorithm: str, kib: int, level: int = 0) -> CompressionSpec:
    return CompressionSpec(
        file_system=file_system, algorithm=algorithm, level=level, cluster_bytes=kib * _KIB
    )


class Stage:
    """Where files are stored, and what they are made of."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.target = LocalTarget(place / "results")
        self.journal = Journal(place / "results")

    def source(self, input: Input) -> contextlib.AbstractContextManager[Source]:
        return file_source(self.target, input, self.journal, self.place, 1, lambda _: None)

    def store(
        self, source: Source, wanted: CompressionSpec
    ) -> contextlib.AbstractContextManager[CompressedFile]:
        return compressed_file(
            self.target, self.journal, self.place, source, wanted, lambda _: None
        )


@pytest.fixture
def stage(place: Path) -> Iterator[Stage]:
    stage = Stage(place)
    (place / "own").mkdir()
    with stage.journal, contextlib.closing(stage.target):
        yield stage
    assert {path.name for path in place.iterdir()} <= {"own", "results"}


_HERE = (
    pytest.param(spec("erofs", "none", 4), 1.0, marks=(needs_erofs, needs_mkfs_erofs)),
    pytest.param(spec("erofs", "lz4", 4), 0.6, marks=(needs_erofs, needs_mkfs_erofs)),
    pytest.param(spec("erofs", "lz4", 64, 9), 0.365, marks=(needs_erofs, needs_mkfs_erofs)),
    pytest.param(spec("squashfs", "none", 128), 1.0, marks=needs_squashfs),
    pytest.param(spec("squashfs", "lz4", 128), 0.52, marks=needs_squashfs),
    pytest.param(spec("squashfs", "lz4", 128, 12), 0.354, marks=needs_squashfs),
    pytest.param(spec("squashfs", "zstd", 1024, 5), 0.3, marks=needs_squashfs),
    pytest.param(spec("btrfs", "none", 128), 1.0, marks=needs("mkfs.btrfs")),
    pytest.param(spec("btrfs", "zstd", 128, 1), 0.33, marks=needs("mkfs.btrfs")),
    pytest.param(spec("f2fs", "none", 16), 1.0, marks=needs_f2fs),
    pytest.param(spec("f2fs", "lz4", 16), 0.75, marks=needs_f2fs),
    pytest.param(spec("f2fs", "lz4", 1024, 9), 0.45, marks=needs_f2fs),
    pytest.param(spec("f2fs", "zstd", 64, 3), 0.35, marks=needs_f2fs),
)


@needs_root
@pytest.mark.root
@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize(("wanted", "ratio"), _HERE, ids=str)
def test_a_file_is_stored_as_asked_and_read_as_it_was(
    stage: Stage, wanted: CompressionSpec, ratio: float
) -> None:
    with stage.source(Input(size_bytes=_BYTES)) as source, stage.store(source, wanted) as stored:
        making = stored.making
        assert making.stored_bytes / _BYTES == pytest.approx(ratio, rel=0.1)
        assert making.elapsed_ns > 0
        assert stored.bytes == _BYTES
        if wanted.file_system in ("f2fs", "btrfs"):
            assert making.written_bytes is not None
            assert making.written_bytes >= 0.95 * making.stored_bytes
        if wanted.file_system == "f2fs" and wanted.algorithm != "none":
            # Of the file's blocks those that are left, and what finds them.
            assert making.saved_blocks is not None
            left = -(-_BYTES // 4096) - making.saved_blocks
            assert left <= making.stored_bytes / 4096 < left + 16
        with mounted(stored, stage.journal, stage.place) as file:
            assert file.read_bytes() == (source.tree / source.file).read_bytes()
            with pytest.raises(OSError, match="Read-only"):
                file.open("r+b")


@needs_root
@pytest.mark.root
@needs_f2fs
@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("size_bytes", [4 * MIB, 4097])
def test_what_does_not_compress_and_what_is_less_than_a_cluster_is_stored_as_it_is(
    stage: Stage, place: Path, size_bytes: int
) -> None:
    file = place / "own" / "noise"
    file.write_bytes(random.Random(1).randbytes(size_bytes))
    with (
        stage.source(Input(file=str(file))) as source,
        stage.store(source, spec("f2fs", "lz4", 16)) as stored,
    ):
        assert stored.making.saved_blocks == 0
        assert stored.making.stored_bytes >= size_bytes


@needs_root
@pytest.mark.root
@needs_squashfs
@pytest.mark.usefixtures("nothing_is_left")
def test_a_sparse_file_is_stored_and_read_as_zeros(stage: Stage, place: Path) -> None:
    file = place / "own" / "sparse"
    with file.open("wb") as stream:
        stream.seek(3 * MIB)
        stream.write(b"the end")
    with (
        stage.source(Input(file=str(file))) as source,
        stage.store(source, spec("squashfs", "lz4", 128)) as stored,
    ):
        assert stored.making.stored_bytes < 64 * _KIB


@needs_root
@pytest.mark.root
@needs_squashfs
@pytest.mark.usefixtures("nothing_is_left")
def test_other_data_than_were_stored_are_noticed(stage: Stage) -> None:
    with stage.source(Input(size_bytes=MIB)) as source:
        other = msgspec.structs.replace(source, crc32c=source.crc32c ^ 1)
        with (
            pytest.raises(LoadstoneError, match="wrong data: the file in squashfs lz4") as caught,
            stage.store(other, spec("squashfs", "lz4", 128)),
        ):
            pass
    assert caught.value.exit_code is ExitCode.FAILED
    assert caught.value.remedy


@needs_root
@pytest.mark.root
@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize(
    ("wanted", "words", "remedy"),
    [
        pytest.param(
            spec("squashfs", "zstd", 128, 99),
            "mksquashfs .*invalid",
            "--set algorithm, level or cluster",
            marks=needs_squashfs,
        ),
        pytest.param(
            spec("btrfs", "zstd", 128, 16),
            "mounted with compress-force=zstd:16, and the kernel made that|mount -t btrfs",
            "level",
            marks=needs("mkfs.btrfs"),
        ),
        pytest.param(
            spec("f2fs", "zstd", 16, 23), "mount -t f2fs .*zstd:23", "CONFIG_F2FS", marks=needs_f2fs
        ),
    ],
    ids=str,
)
def test_a_level_that_a_program_or_the_kernel_lacks_is_told(
    stage: Stage, wanted: CompressionSpec, words: str, remedy: str
) -> None:
    with (
        stage.source(Input(size_bytes=MIB)) as source,
        pytest.raises(CannotMeasureError, match=words) as caught,
        stage.store(source, wanted),
    ):
        pass
    assert remedy in (caught.value.remedy or "")


@needs_root
@pytest.mark.root
@needs("mkfs.btrfs")
@pytest.mark.usefixtures("nothing_is_left")
def test_a_directory_with_a_space_in_its_name_will_do(stage: Stage, place: Path) -> None:
    odd = place / "own" / "a name"
    odd.mkdir()
    wanted = spec("btrfs", "zstd", 128, 3)
    with (
        stage.source(Input(size_bytes=MIB)) as source,
        compressed_file(stage.target, stage.journal, odd, source, wanted, lambda _: None) as stored,
    ):
        assert stored.making.stored_bytes < MIB / 2


@needs_root
@pytest.mark.root
@needs("mkfs.btrfs")
@pytest.mark.usefixtures("nothing_is_left")
def test_a_disk_that_is_full_is_told_and_nothing_stays(stage: Stage, place: Path) -> None:
    """The image is sparse, and what it lies on ends before it does."""
    small = place / "own"
    assert run_program("mount", "mount", "-t", "tmpfs", "-o", "size=12m", "x", str(small)) is None
    try:
        with stage.source(Input(size_bytes=32 * MIB)) as source:
            wanted = spec("btrfs", "none", 128)
            with (
                pytest.raises(CannotMeasureError) as caught,
                compressed_file(stage.target, stage.journal, small, source, wanted, lambda _: None),
            ):
                pass
        assert caught.value.remedy
        assert not list(small.iterdir())
    finally:
        assert run_program("umount", "mount", str(small)) is None


@pytest.mark.parametrize(
    ("wanted", "words", "remedy"),
    [
        (spec("btrfs", "lz4", 128), "btrfs has no lz4", "--set algorithm=zstd"),
        (spec("erofs", "zstd", 4), "zstd has no level 0", "--set level=1 or more"),
        (spec("squashfs", "lz4", 128, 3), "no level 3 of lz4", "--set level=0, or 12 for LZ4HC"),
        (spec("f2fs", "lz4", 4), "f2fs has no clusters of 4KiB here", "--set cluster=16KiB,32KiB"),
        (spec("btrfs", "zstd", 64, 3), "no clusters of 64KiB", "--set cluster=128KiB"),
        (spec("squashfs", "lz4", 12), "no clusters of 12KiB", "--set cluster=4KiB,8KiB"),
    ],
)
def test_what_a_file_system_never_has_is_said_before_anything_is_made(
    wanted: CompressionSpec, words: str, remedy: str
) -> None:
    with pytest.raises(CannotMeasureError, match=words) as caught:
        require_possible(wanted)
    assert remedy in (caught.value.remedy or "")
