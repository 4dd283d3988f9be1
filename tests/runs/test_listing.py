"""Runs are listed in the order in which they were made, also where the clock was set back."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loadstone.runs import store
from loadstone.runs.listing import list_runs
from loadstone.runs.lookup import find
from loadstone.runs.moment import Moment
from loadstone.runs.run_files import MANIFEST
from runs.stored_runs import named, start

TODAY = datetime(2026, 3, 1, 12, tzinfo=UTC)

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a Run at a time by the clock, and a time since a boot."""

    def made(
        clock: datetime, boot: str = "b", boottime_s: float = 0, results: Path = tmp_path
    ) -> Path:
        moment = Moment(clock=clock, boot=boot, boottime_ns=int(boottime_s * 1e9))
        monkeypatch.setattr(store, "now", lambda: moment)
        with start(results) as writer:
            return writer.path

    return made


def _found(results: Path, text: str) -> tuple[Path, list[str]]:
    notes: list[str] = []
    return find(results, text, notes.append), notes


def _changed(run: Path, **changes: Any) -> Path:
    manifest = json.loads((run / MANIFEST).read_text())
    (run / MANIFEST).write_text(json.dumps(manifest | changes))
    return run


def test_runs_are_listed_oldest_first_by_name_then_by_manifest(tmp_path: Path) -> None:
    third = named(tmp_path, "20260102T000000Z-local-a-0000", 5.0)
    second = named(tmp_path, "20260101T000000Z-local-a-0000", 9.0)
    first = named(tmp_path, "20260101T000000Z-local-a-ffff", 8.0)
    renamed = named(tmp_path, "baseline", 1767225600.0 + 3600)
    (tmp_path / "runs" / "20270101T000000Z-no-manifest").mkdir()
    (tmp_path / "runs" / "README").touch()
    assert list_runs(tmp_path) == [first, second, renamed, third]


def test_no_results_are_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "none") == []


@pytest.mark.parametrize("days", [-2, -20_000])
def test_a_clock_that_went_back_changes_nothing_in_the_order_and_is_said(
    make: Make, tmp_path: Path, days: int
) -> None:
    """Two days, and back to about 1970, as on a board without a real-time clock."""
    first = make(TODAY, "one")
    second = make(TODAY + timedelta(days=days), "two")
    third = make(TODAY + timedelta(days=days, hours=1), "two", 3600)
    assert list_runs(tmp_path) == [first, second, third]
    last, (note,) = _found(tmp_path, "last")
    assert last == third
    assert f"`last` is {third.name} (" in note
    assert f"made after {first.name} (2026-03-01 12:00:00 UTC by its clock)" in note
    before, (note,) = _found(tmp_path, "last~2")
    assert before == first
    assert f"made before {third.name} (" in note


def test_a_clock_that_never_went_back_is_not_spoken_of(make: Make, tmp_path: Path) -> None:
    runs = [make(TODAY + timedelta(hours=hour), f"boot {hour}") for hour in range(4)]
    assert [_found(tmp_path, f"last~{back}") for back in range(4)] == [
        (run, []) for run in reversed(runs)
    ]


def test_a_run_that_was_dated_ahead_is_not_the_last_for_ever(make: Make, tmp_path: Path) -> None:
    make(TODAY + timedelta(days=9000))
    now = make(TODAY)
    assert find(tmp_path, "last") == now


def test_runs_of_an_earlier_loadstone_come_first_and_a_later_clock_is_said(
    make: Make, tmp_path: Path
) -> None:
    old = named(tmp_path, "20260501T000000Z-local-a-0000")
    new = make(TODAY)
    assert list_runs(tmp_path) == [old, new]
    _, (note,) = _found(tmp_path, "last")
    assert "perhaps not made after" in note
    assert "name it by its id" in note


@pytest.mark.parametrize("stamp", ["20991231T000000Z", "19700101T000300Z"])
def test_an_impossible_date_of_an_earlier_loadstone_is_said(tmp_path: Path, stamp: str) -> None:
    named(tmp_path, "20260301T000000Z-local-a-0000")
    named(tmp_path, f"{stamp}-local-a-0000")
    _, (note,) = _found(tmp_path, "last")
    assert "only their clocks tell" in note


def test_a_manifest_written_after_that_of_a_later_name_is_said(tmp_path: Path) -> None:
    later = named(tmp_path, "20260302T000000Z-local-a-0000", 1e9)
    named(tmp_path, "20260301T000000Z-local-a-0000", 1e9 + 3600)
    last, (note,) = _found(tmp_path, "last")
    assert last == later
    assert "only their clocks tell" in note


def test_a_run_of_another_directory_is_placed_by_the_clock(make: Make, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for hour in range(3):
        make(TODAY + timedelta(hours=hour), "there", results=elsewhere)
    early, _, late = list_runs(elsewhere)
    ours = make(TODAY + timedelta(hours=1), "here")
    copies = [shutil.copytree(run, ours.parent / run.name) for run in (early, late)]
    assert list_runs(tmp_path) == [copies[0], ours, copies[1]]
    assert _found(tmp_path, "last") == (copies[1], [])
    # What is made with them there is made after them, whatever the clock says.
    next_ = make(TODAY + timedelta(hours=1, minutes=1), "here")
    assert json.loads((next_ / MANIFEST).read_text())["sequence"] == 4


def test_two_series_of_which_one_has_a_clock_that_went_back_are_said_to_be_in_doubt(
    make: Make, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    make(TODAY + timedelta(hours=1), "there", results=elsewhere)
    make(TODAY, "here")
    ours = make(TODAY - timedelta(days=2), "here again")
    (run,) = list_runs(elsewhere)
    copy = shutil.copytree(run, ours.parent / run.name)
    assert _found(tmp_path, "last~1")[1] != []
    assert find(tmp_path, "last") == copy


def test_equal_numbers_of_one_boot_are_in_the_order_of_its_time(make: Make, tmp_path: Path) -> None:
    """As two Runs have them that were begun at once where there are no locks."""
    second = make(TODAY, boottime_s=20)
    first = _changed(make(TODAY, boottime_s=10), sequence=1)
    assert list_runs(tmp_path) == [first, second]


@pytest.mark.parametrize("text", ["", "{", '{"sequence": "x"}', '{"sequence": 1e300}', "[]"])
def test_a_manifest_that_is_none_has_its_place_by_its_name(
    make: Make, tmp_path: Path, text: str
) -> None:
    torn = named(tmp_path, "20260301T000000Z-local-a-0000")
    (torn / MANIFEST).write_text(text)
    new = make(TODAY)
    assert list_runs(tmp_path) == [torn, new]


def test_a_number_that_nobody_counted_to_is_none(make: Make, tmp_path: Path) -> None:
    absurd = _changed(make(TODAY), sequence=2**63 - 1)
    new = make(TODAY)
    assert json.loads((new / MANIFEST).read_text())["sequence"] == 1
    assert list_runs(tmp_path) == [absurd, new]
