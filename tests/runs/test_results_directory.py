"""Whoever works in a results directory knows of others there, and leaves nothing empty."""

from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from loadstone.errors import RunError
from loadstone.provision.journal import Journal
from loadstone.runs.results_directory import results_lock
from loadstone.runs.runner import Silence, enter_results_lock


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


class Listener(Silence):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def told_of(results: Path, **changes: object) -> list[str]:
    """What whoever begins in ``results`` is told of a Record with such fields."""
    entry = Journal(results).entry("file", "/loadstone-a")
    record = msgspec.structs.replace(entry.record, **changes)
    entry.path.write_bytes(msgspec.json.encode(record))
    listener = Listener()
    with ExitStack() as stack:
        enter_results_lock(stack, results, listener)
    return listener.said


def test_only_what_a_dead_process_left_is_advised_to_be_cleaned(tmp_path: Path) -> None:
    where = f"loadstone clean --results {tmp_path}"
    assert told_of(tmp_path / "alive") == []
    (told,) = told_of(tmp_path, pid_start=1, lock="")
    assert told == f"what a killed Run set up is still there (1); remove it with: {where}"


def test_what_nobody_can_tell_here_is_said_and_another_machine_s_is_not(tmp_path: Path) -> None:
    assert told_of(tmp_path / "far", boot="another", host="b x", lock="") == []
    (told,) = told_of(tmp_path, namespaces="pid:[1]", lock="")
    assert told == (
        "what another Run set up is still there (1), and whether that is alive cannot be told "
        f"from here; loadstone clean --results {tmp_path} says more"
    )
