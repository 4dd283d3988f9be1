"""EROFS images: against what mkfs.erofs makes of the same files."""

import shutil
import subprocess
from pathlib import Path

import pytest

from loadstone.layout.algorithm import parse_algorithms
from loadstone.layout.erofs import ErofsImage
from loadstone.layout.layouts import Layout
from loadstone.layout.survey import survey
from loadstone.layout.walk import Directory, RegularFile, Special, SymbolicLink
from loadstone.programs import find_program
from loadstone.targets.local import LocalTarget

# Of what mkfs.erofs stores.
_ERROR = 0.005
_BYTES = 4 << 20
_OPTIONS = {
    "erofs:4KiB": ("-C4096",),
    "erofs:64KiB+tail": ("-C65536", "-Eztailpacking"),
    "erofs:1MiB": ("-C1048576",),
}


def _copy(source: Path, pattern: str, place: Path) -> None:
    """The first files of a directory, of some MiB; names once, so that they lie side by side."""
    taken = 0
    for path in sorted(source.glob(pattern)):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _BYTES // 2:
            continue
        taken += path.stat().st_size
        if taken > _BYTES:
            return
        shutil.copy2(path, place / f"{taken}-{path.name}")


def _corpus(kind: str, place: Path) -> Path:
    if kind == "text":
        _copy(Path(subprocess.__file__).parent, "**/*.py", place)
    else:
        _copy(Path("/usr/bin"), "*", place)
    (place / "inner").mkdir()
    (place / "inner" / "link").symlink_to("../somewhere")
    (place / "inner" / "small").write_bytes(b"small")
    return place


@pytest.mark.parametrize(("kind", "algorithm"), [("text", "lz4"), ("binaries", "lz4hc:9")])
def test_images_are_predicted(
    kind: str, algorithm: str, tmp_path: Path, local: LocalTarget
) -> None:
    mkfs = find_program("mkfs.erofs")
    if mkfs is None:
        pytest.skip("needs mkfs.erofs: apt-get install erofs-utils")
    place = tmp_path / kind
    place.mkdir()
    corpus = _corpus(kind, place)
    found = survey(local, [str(corpus)], parse_algorithms(algorithm), lambda *_: None)
    layouts = {layout.name: layout for layout in found.algorithms[0].layouts}
    for layout, options in _OPTIONS.items():
        image = tmp_path / "image"
        words = (f"-z{algorithm.replace(':', ',')}", *options, str(image), str(corpus))
        subprocess.run([mkfs, "-T0", "-x-1", *words], check=True, capture_output=True)
        predicted = layouts[layout].image_bytes
        assert predicted == pytest.approx(image.stat().st_size, rel=_ERROR), layout
        image.unlink()
    _check_order(layouts)


def _check_order(layouts: dict[str, Layout]) -> None:
    """What must be so of any files, and is computed by itself."""
    assert layouts["dynamic-cluster"].stored_bytes <= min(
        layout.stored_bytes for name, layout in layouts.items() if name.startswith("f2fs:")
    )
    assert layouts["fixed-block:page"].stored_bytes > layouts["fixed-block:byte"].stored_bytes
    assert layouts["fixed-block:page"].random_amplification == pytest.approx(1)
    assert layouts["f2fs:16KiB"].change == 0


def _file(file_bytes: int, *, has_wide_owner: bool = False) -> RegularFile:
    return RegularFile(
        path=b"/f", file_bytes=file_bytes, is_sparse=False, has_wide_owner=has_wide_owner
    )


def test_inodes_share_blocks_with_what_lies_beside_them() -> None:
    image = ErofsImage()
    assert image.image_bytes == 4096
    image.add_plain_file(_file(4096 + 2000))
    assert (image.data_blocks, image.image_bytes) == (1, 2 * 4096)
    image.add_plain_file(_file(3000))
    assert (image.data_blocks, image.image_bytes) == (1, 3 * 4096)
    image.add_inode(SymbolicLink(target_bytes=200, has_wide_owner=True))
    image.add_inode(Special(has_wide_owner=False))
    image.add_inode(Directory(dirents_bytes=400, has_wide_owner=False))
    assert image.image_bytes == 3 * 4096


def test_a_last_part_that_does_not_fit_beside_its_inode_takes_a_block() -> None:
    image = ErofsImage()
    image.add_plain_file(_file(4065))
    assert image.data_blocks == 1


def test_a_file_that_its_index_makes_no_smaller_is_stored_plain() -> None:
    image = ErofsImage()
    assert not image.add_file(_file(8200), 2, 0)
    assert image.add_file(_file(8300), 2, 0)
