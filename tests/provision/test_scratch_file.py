"""Files that a Run makes: ours by name, gone at the end, and only where there is room."""

from pathlib import Path

import pytest

from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Input
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import (
    free_bytes,
    make_file,
    make_sparse_file,
    require_room,
    scratch_directory,
    scratch_file,
)
from loadstone.targets.local import LocalTarget


def test_a_scratch_file_is_journaled_and_gone_at_the_end(place: Path) -> None:
    target = LocalTarget(place / "results")
    with (
        Journal(place / "results") as journal,
        scratch_file(target, journal, "probe", place) as path,
    ):
        assert Path(path).name.startswith("loadstone-probe-")
        assert not Path(path).exists()
        make_file(target, path, 4096)
        assert len(Path(path).read_bytes()) == 4096
        assert len(list((place / "results" / "journal").glob("*.json"))) == 1
    target.close()
    assert not list(place.rglob("loadstone-*"))
    assert not list((place / "results" / "journal").iterdir())


def test_a_sparse_file_has_its_size_and_takes_no_room(place: Path) -> None:
    target, path = LocalTarget(place / "results"), place / "loadstone-sparse"
    make_sparse_file(target, str(path), 1 << 30)
    target.close()
    assert path.stat().st_size == 1 << 30
    assert path.stat().st_blocks * 512 < 1 << 20


def test_files_are_made_where_the_user_says(place: Path) -> None:
    target = LocalTarget(place / "results")
    assert scratch_directory(target, Input(directory=str(place))) == place
    assert scratch_directory(target, Input()) == target.scratch()


def test_room_is_that_of_the_directorys_file_system(place: Path) -> None:
    target = LocalTarget(place / "results")
    assert free_bytes(target, place) > 0
    require_room(target, place, 1, "free some")
    with pytest.raises(CannotMeasureError, match=r"are needed, and only .* free in"):
        require_room(target, place, 1 << 62, "free some")
    with pytest.raises(UsageError, match="name a directory that is there"):
        free_bytes(target, place / "none")
    target.close()


def test_a_file_that_cannot_be_made_says_what_to_do(place: Path) -> None:
    target = LocalTarget(place / "results")
    with pytest.raises(CannotMeasureError, match="No such file or directory"):
        make_file(target, str(place / "none" / "loadstone-x"), 1)
    with pytest.raises(CannotMeasureError, match="name another directory with --dir"):
        make_sparse_file(target, str(place / "none" / "loadstone-x"), 1)
    target.close()
