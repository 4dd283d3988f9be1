"""A directory counted up."""

import os
from pathlib import Path

import pytest

from loadstone.errors import CannotMeasureError
from loadstone.layout.algorithm import parse_algorithms
from loadstone.layout.survey import LayoutSummary, survey
from loadstone.targets.local import LocalTarget

_TEXT = b"".join(b"line %d of a text\n" % number for number in range(20_000))


def _survey(local: LocalTarget, place: Path, algorithms: str | None = "lz4") -> LayoutSummary:
    chosen = parse_algorithms(algorithms) if algorithms else ()
    return survey(local, [str(place)], chosen, lambda *_: None)


def test_all_is_counted_once_and_holes_take_nothing(local: LocalTarget, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(_TEXT)
    (tmp_path / "again").hardlink_to(tmp_path / "text")
    (tmp_path / "link").symlink_to("text")
    (tmp_path / "empty").touch()
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 1 << 30)
    found = _survey(local, tmp_path, "lz4,zstd:1")
    assert (found.files, found.hard_links, found.symbolic_links, found.directories) == (3, 1, 1, 1)
    assert found.hole_bytes == 1 << 30
    assert found.data_blocks == -(-len(_TEXT) // 4096)
    assert not found.unseen
    lz4, zstd = (one.layouts for one in found.algorithms)
    assert [layout.name for layout in lz4] == [layout.name for layout in zstd]
    assert [one.library.split()[0] for one in found.algorithms] == ["liblz4", "libzstd"]
    assert all(0 < layout.ratio <= 1 for layout in (*lz4, *zstd))
    listed = _survey(local, tmp_path, None)
    assert listed.inline == found.inline
    assert listed.data_blocks == found.data_blocks
    assert listed.erofs_uncompressed_bytes == found.erofs_uncompressed_bytes
    assert not listed.algorithms


def test_a_file_of_several_pieces_is_what_they_are_together(
    local: LocalTarget, tmp_path: Path
) -> None:
    """Of 33 MiB, which has three pieces and a batch of its own."""
    (tmp_path / "large").write_bytes((_TEXT * 100)[: 33 << 20])
    found = _survey(local, tmp_path)
    assert (found.files, found.data_blocks) == (1, 33 << 8)
    (one,) = found.algorithms
    assert one.node_blocks == 9
    assert one.segment_node_blocks == 0


def test_nothing_to_read_is_said(local: LocalTarget, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for algorithms in ("lz4", None):
        with pytest.raises(CannotMeasureError, match="no data in"):
            _survey(local, tmp_path, algorithms)
