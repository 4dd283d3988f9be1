"""Many Runs as a table, in which Apache Otava finds where a figure changed."""

import csv
import io
import json
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from export.runs import COUNTED, FAST, SLOW, run_with
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.export import find_format, notes, render
from loadstone.model import Manifest, Run
from sample_runs import READY, measured_run

COLUMN = f"model-load/{FAST.label}/ready_ns [ns]"
CHANGED_AT = 20
DAYS = 40


def made_on(run: Run, day: int, **changes: object) -> Run:
    """The same Run on another day of January or February."""
    created = f"2026-{1 + day // 28:02}-{1 + day % 28:02}T10:00:00.000+00:00"
    manifest = msgspec.structs.replace(run.manifest, created=created, **changes)
    return msgspec.structs.replace(run, manifest=manifest)


def history_of(runs: Sequence[Run]) -> list[dict[str, str]]:
    """The lines of the table."""
    text = render(find_format("history", len(runs)), runs)
    assert isinstance(text, str)
    return list(csv.DictReader(io.StringIO(text)))


def slower_from_the_middle() -> list[Run]:
    """A Run a day, of 2 % noise; from one day on a Case takes 10 % more, the other does not."""
    draw = random.Random(7)
    runs = []
    for day in range(DAYS):
        step = 1.1 if day >= CHANGED_AT else 1.0
        figures = [
            (case, [1e6 * factor * draw.gauss(1, 0.02) for _ in range(5)])
            for case, factor in ((FAST, step), (SLOW, 3.0))
        ]
        runs.append(made_on(measured_run(figures, READY, id_=f"run-{day:02}"), day))
    return runs


def test_a_run_is_a_line_of_medians_with_units_oldest_first() -> None:
    runs = [made_on(run_with(), day) for day in (3, 1, 2)]
    lines = history_of(runs)
    assert [line["time"][8:10] for line in lines] == ["02", "03", "04"]
    assert float(lines[0][COLUMN]) == 2e6
    assert float(lines[0][f"model-load/{SLOW.label}/throughput [B/s]"]) == 1e15 / 6e6 + 0.25
    assert (lines[0]["kernel"], lines[0]["clock"]) == ("6.1.0", "time of a real machine")


def test_the_numbers_of_a_series_go_before_a_clock_that_was_set_back() -> None:
    numbered = [
        made_on(run_with(), day, sequence=number, series="s", id=f"run-{number}")
        for number, day in ((3, 1), (1, 9), (2, 10))
    ]
    assert [line["run"] for line in history_of(numbered)] == ["run-1", "run-2", "run-3"]


def test_what_a_run_did_not_measure_is_an_empty_cell_and_is_named() -> None:
    both, one = made_on(run_with(), 1, id="both"), made_on(run_with(cases=(FAST,)), 2, id="one")
    assert [line[COLUMN.replace(FAST.label, SLOW.label)] for line in history_of([both, one])] == [
        "6000000.0",
        "",
    ]
    told = notes(find_format("history"), [both, one])
    assert f"model-load/{SLOW.label}/ready_ns [ns]: no figure in one" in told
    nothing = msgspec.structs.replace(made_on(run_with(), 3, id="none"), trials=())
    assert [line["run"] for line in history_of([both, nothing])] == ["both"]
    assert "none: left out, as it has no figures" in notes(find_format("history"), [both, nothing])


def test_runs_without_figures_and_of_two_clocks_make_no_history() -> None:
    nothing = msgspec.structs.replace(run_with(), trials=())
    with pytest.raises(CannotMeasureError, match="no good Trial to export"):
        history_of([nothing, nothing])
    with pytest.raises(CannotMeasureError, match=r"no common unit.*real.*instructions:1ns"):
        history_of([made_on(run_with(), 1), made_on(run_with(COUNTED), 2)])
    with pytest.raises(CannotMeasureError, match="begun at 'never', which is no time"):
        history_of([msgspec.structs.replace(run_with(), manifest=_begun_never(run_with()))])


def _begun_never(run: Run) -> Manifest:
    return msgspec.structs.replace(run.manifest, created="never")


def test_other_formats_are_of_one_run() -> None:
    with pytest.raises(UsageError, match="--format csv is of one Run; name one, or take history"):
        find_format("csv", 2)


def test_otava_finds_the_day_on_which_a_case_got_slower(tmp_path: Path) -> None:
    otava = shutil.which("otava")
    if otava is None:
        pytest.skip(
            "no otava on the PATH; its scipy is another: "
            "python3 -m venv otava && otava/bin/pip install apache-otava"
        )
    text = render(find_format("history", DAYS), slower_from_the_middle())
    assert isinstance(text, str)
    (tmp_path / "history.csv").write_text(text)
    metrics = {
        name: {"column": f"model-load/{case.label}/ready_ns [ns]", "direction": -1}
        for name, case in (("fast_ready_ns", FAST), ("slow_ready_ns", SLOW))
    }
    test = {
        **{"type": "csv", "file": "history.csv", "time_column": "time", "attributes": ["run"]},
        "metrics": metrics,
    }
    # JSON is YAML, too.
    (tmp_path / "otava.yaml").write_text(json.dumps({"tests": {"loads": test}}))
    done = subprocess.run(
        [otava, "analyze", "loads", "--output", "json", "--since", "2025-12-01"],
        env={"OTAVA_CONFIG": "otava.yaml", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (change,) = json.loads(done.stdout)["loads"]
    assert [one["metric"] for one in change["changes"]] == ["fast_ready_ns"]
    assert change["attributes"]["run"] == f"run-{CHANGED_AT:02}"
    assert float(change["changes"][0]["forward_change_percent"]) == pytest.approx(10, abs=2)
