"""EROFS images are what was asked for, by their own superblocks."""

import random
import shutil
from pathlib import Path

import pytest

from erofs import damage, make_image, needs_mkfs_erofs
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.provision.erofs_image import (
    ErofsSpec,
    Superblock,
    erofs_utils_version,
    make_erofs_image,
    missing_of,
    read_superblock,
)

# What the images of mkfs.erofs 1.5 and 1.8.6 have.
PLAIN = Superblock(block_bytes=4096, features=0x1, algorithms=1, packed_inode=0)
LARGE = Superblock(block_bytes=4096, features=0x3, algorithms=1, packed_inode=0)
ZSTD = Superblock(block_bytes=4096, features=0x3, algorithms=8, packed_inode=0)
TAILS = Superblock(block_bytes=4096, features=0x11, algorithms=1, packed_inode=0)
FRAGMENTS = Superblock(block_bytes=4096, features=0x21, algorithms=1, packed_inode=37)
DEDUPE = Superblock(block_bytes=4096, features=0x21, algorithms=1, packed_inode=0)


@pytest.fixture
def tree(place: Path) -> Path:
    """Two files that compress, one of them with a short tail."""
    tree = place / "tree"
    tree.mkdir()
    words = random.Random(1).choices([b"memory ", b"page ", b"kernel ", b"of ", b"the "], k=40_000)
    (tree / "one").write_bytes(b"".join(words))
    (tree / "two").write_bytes(b"".join(reversed(words))[:-77])
    return tree


@pytest.mark.parametrize(
    ("spec", "superblock", "missing"),
    [
        ({}, PLAIN, None),
        ({}, None, "superblock"),
        ({"algorithm": "none"}, PLAIN, None),
        ({"algorithm": "lz4hc", "pcluster_bytes": 65536}, LARGE, None),
        ({"pcluster_bytes": 65536}, PLAIN, "large clusters"),
        ({"algorithm": "zstd"}, ZSTD, None),
        ({"algorithm": "zstd"}, PLAIN, "zstd clusters"),
        ({"options": "ztailpacking"}, TAILS, None),
        ({"options": "ztailpacking"}, PLAIN, "packed tails"),
        ({"options": "fragments"}, FRAGMENTS, None),
        ({"options": "all-fragments"}, FRAGMENTS, None),
        ({"options": "fragments"}, PLAIN, "fragments"),
        ({"options": "all-fragments"}, DEDUPE, "fragments"),
        ({"options": "dedupe"}, DEDUPE, None),
        ({"options": "dedupe"}, PLAIN, "deduplicated data"),
    ],
)
def test_what_an_image_lacks_is_told_by_its_superblock(
    spec: dict[str, str | int], superblock: Superblock | None, missing: str | None
) -> None:
    assert missing_of(ErofsSpec(**spec), superblock) == missing  # type: ignore[arg-type]


@needs_mkfs_erofs
def test_images_are_as_asked_and_the_same_every_time(tree: Path, place: Path) -> None:
    sizes = []
    for spec in (
        ErofsSpec(algorithm="none"),
        ErofsSpec(),
        ErofsSpec(algorithm="lz4hc", level=9, pcluster_bytes=65536),
        ErofsSpec(options="ztailpacking"),
    ):
        for name in ("image", "again"):
            make_erofs_image(tree, place / name, spec)
        assert (place / "image").read_bytes() == (place / "again").read_bytes()
        assert missing_of(spec, read_superblock(place / "image")) is None
        sizes.append((place / "image").stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


@needs_mkfs_erofs
def test_what_mkfs_does_not_know_is_an_error_that_names_its_version(
    tree: Path, place: Path
) -> None:
    spec = ErofsSpec(algorithm="lz4hc", level=99)
    with pytest.raises(CannotMeasureError, match=r"mkfs\.erofs .*-zlz4hc,99 .*: ") as caught:
        make_erofs_image(tree, place / "image", spec)
    assert erofs_utils_version() in (caught.value.remedy or "")
    if erofs_utils_version() == "1.5":
        # It ignores the word and ends with 0.
        with pytest.raises(CannotMeasureError, match=r"mkfs\.erofs 1\.5 has no fragments, as it"):
            make_erofs_image(tree, place / "image", ErofsSpec(options="fragments"))


@needs_mkfs_erofs
def test_a_superblock_is_read_and_what_is_no_image_has_none(tree: Path, place: Path) -> None:
    image = make_image(place / "image", tree, "-zlz4", "-C65536")
    assert read_superblock(image) == LARGE
    damage(image, 1024 + 12, b"\x0e")
    found = read_superblock(image)
    assert found is not None
    assert found.block_bytes == 16384
    damage(image, 1024, b"\0")
    assert read_superblock(image) is None
    assert read_superblock(tree / "one") is None
    (place / "short").write_bytes(b"short")
    assert read_superblock(place / "short") is None
    shutil.rmtree(tree)
    with pytest.raises(UsageError, match="No such file"):
        read_superblock(tree / "one")
