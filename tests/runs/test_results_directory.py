"""Whoever works in a results directory knows of others there, and leaves nothing empty."""

from pathlib import Path

import pytest

from loadstone.errors import RunError
from loadstone.runs.results_directory import results_lock


def test_a_directory_that_was_made_for_it_goes_when_it_is_empty(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with results_lock(results) as is_shared:
        assert not is_shared
        for name in ("journal", "scratch", "runs"):
            (results / name).mkdir()
        (results / "journal" / "x.json.1234.tmp").touch()
    assert not results.exists()


def test_one_that_was_there_stays_and_so_does_what_is_in_it(tmp_path: Path) -> None:
    kept = tmp_path / "journal" / "entry.json"
    kept.parent.mkdir()
    kept.touch()
    (tmp_path / "scratch").mkdir()
    with results_lock(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]
    assert kept.exists()


def test_the_second_is_told_of_the_first_and_the_last_cleans_up(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with results_lock(results):
        with results_lock(results) as is_shared:
            assert is_shared
            (results / "scratch").mkdir()
        assert (results / "scratch").exists()
    assert not results.exists()


def test_results_that_are_a_file_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"cannot write .*ENOTDIR.*; name another directory with"),
        results_lock(tmp_path / "file"),
    ):
        pass
