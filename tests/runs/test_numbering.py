"""Each Run of a results directory has a number of its own, one more than those before."""

import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loadstone.runs import numbering
from loadstone.runs.listing import list_runs
from loadstone.runs.run_files import MANIFEST
from loadstone.runs.store import load
from runs.stored_runs import a_run, start


def _number(run: Path) -> int:
    number: int = json.loads((run / MANIFEST).read_text())["sequence"]
    return number


def test_runs_are_numbered_on_and_a_removed_one_leaves_a_gap(tmp_path: Path) -> None:
    first, second, third = (a_run(tmp_path) for _ in range(3))
    assert [_number(run) for run in (first, second, third)] == [1, 2, 3]
    for path in (*second.iterdir(), second):
        path.rmdir() if path.is_dir() else path.unlink()
    assert _number(a_run(tmp_path)) == 4
    assert len({load(run).manifest.series for run in list_runs(tmp_path)}) == 1


def test_runs_begun_at_once_have_numbers_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        writers = list(threads.map(start, [tmp_path] * 24))
    for writer in writers:
        writer.close()
    runs = list_runs(tmp_path)
    assert [_number(run) for run in runs] == list(range(1, 25))
    times = [load(run).manifest.boottime_ns for run in runs]
    assert times == sorted(times)
    assert times[0] > 0


def test_a_lock_that_another_keeps_holds_no_run_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "_WAIT_S", 0.05)
    first = a_run(tmp_path)
    fd = os.open(tmp_path / "runs", os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        second = a_run(tmp_path)
    finally:
        os.close(fd)
    assert list_runs(tmp_path) == [first, second]


def test_what_is_no_run_beside_it_is_no_reason_not_to_make_one(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    (runs / "empty").mkdir(parents=True)
    (runs / "file").touch()
    (runs / "odd" / MANIFEST).mkdir(parents=True)
    (runs / "pipe").mkdir()
    os.mkfifo(runs / "pipe" / MANIFEST)
    assert _number(a_run(tmp_path)) == 1
