"""What O_DIRECT wants of offsets and lengths, on file systems that want different things."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from native import places
from native.programs import Program

pytestmark = [pytest.mark.native, pytest.mark.root]

_SIZES = (1, 1536, 16384, 300_013, (1 << 20) + 4096)
_VARIANTS: tuple[dict[str, object], ...] = (
    {"engine": "pread"},
    {"engine": "pread", "buffers": 3, "threads": 3},
    {"engine": "pread", "overlap": 4096},
    {"engine": "uring", "buffers": 3},
    {"engine": "uring", "fixed": "on", "overlap": 4096},
    {"engine": "sendfile", "destination": "memfd"},
    {"engine": "splice", "destination": "memfd", "buffers": 3},
)


@pytest.fixture(
    scope="module",
    params=[
        ("ext4", 4096, ()),
        ("xfs", 4096, ("-s", "size=4096")),
        ("xfs", 16384, ("-b", "size=16384", "-s", "size=16384")),
    ],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def coarse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, int]]:
    """A file system on sectors larger than 512 bytes, the last ones larger than a page."""
    kind, sector_bytes, options = request.param
    directory = tmp_path_factory.mktemp("coarse")
    with places.file_system(kind, directory, *options, sector_bytes=sector_bytes) as place:
        yield place, sector_bytes


@pytest.mark.parametrize("size_bytes", _SIZES)
def test_every_length_arrives_whole_from_large_sectors(
    sanitized: Program, coarse: tuple[Path, int], size_bytes: int
) -> None:
    place, sector_bytes = coarse
    model = sanitized.make_model(place, size_bytes, str(size_bytes))
    for variant in _VARIANTS:
        answer = sanitized.load(model, io="direct", block=65536, **variant)
        assert answer.failure is None, variant
        assert answer.values["verified_bytes"] == size_bytes
        assert answer.values["direct_align_bytes"] == sector_bytes


def test_a_block_that_is_no_multiple_is_refused_with_what_would_do(
    sanitized: Program, coarse: tuple[Path, int]
) -> None:
    place, sector_bytes = coarse
    model = sanitized.make_model(place, 100_000, "small-block")
    failure = sanitized.load(model, io="direct", block=2048).failure
    assert failure is not None
    assert (failure.code, failure.step) == ("EINVAL", "block for O_DIRECT")
    assert failure.offset == sector_bytes


def test_what_lets_o_direct_pass_and_reads_through_the_cache_is_refused(
    sanitized: Program, tmp_path: Path
) -> None:
    """ext4 does so where it journals data: a figure for direct I/O would be one for another."""
    with places.file_system("ext4", tmp_path, mount_options="data=journal") as place:
        model = sanitized.make_model(place, 100_000)
        for engine in ("pread", "uring"):
            failure = sanitized.load(model, io="direct", engine=engine).failure
            assert failure is not None
            assert (failure.code, failure.step) == ("ENOTSUP", "O_DIRECT read")
        assert sanitized.run("probe", file=model.file).values["direct"] < 0
        assert sanitized.load(model, io="buffered").failure is None
