"""pytest-benchmark's JSON, read by pytest-benchmark."""

import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from export.real_runs import real_run
from export.runs import COUNTED, FAST, SLOW, rendered, run_with
from loadstone.errors import CannotMeasureError
from loadstone.export.pytest_benchmark import stats
from loadstone.model import Run
from sample_runs import SPEED

FIGURES = ("min", "max", "mean", "median", "stddev", "iqr", "ops", "rounds")


def compared(place: Path, *runs: Run) -> list[dict[str, str]]:
    """The lines of ``pytest-benchmark compare``, which reads a file for each Run."""
    paths = []
    for number, run in enumerate(runs):
        paths.append(place / f"run-{number}.json")
        paths[-1].write_text(rendered("pytest-benchmark", run))
    table = place / "table.csv"
    words: list[str | Path] = ["--columns", ",".join(FIGURES), "--csv", table, *paths]
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=place,
    )
    assert "Failed to load" not in done.stdout + done.stderr
    with table.open() as stream:
        return list(csv.DictReader(stream))


def test_pytest_benchmark_compares_two_runs_case_by_case(tmp_path: Path) -> None:
    pytest.importorskip("pytest_benchmark", reason="pip install pytest-benchmark")
    base, new = run_with(), run_with(cases=(FAST, SLOW))
    lines = compared(tmp_path, base, new)
    assert [line["name"] for line in lines].count(f"model-load::{FAST.label}") == 2
    assert {line["name"] for line in lines} == {f"model-load::{c.label}" for c in (FAST, SLOW)}
    slow = next(line for line in lines if SLOW.label in line["name"])
    assert {key: float(slow[key]) for key in ("min", "median", "max", "rounds")} == {
        "min": 3e-3,
        "median": 6e-3,
        "max": 9e-3,
        "rounds": 3,
    }


def test_two_real_runs_of_one_case_stand_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("pytest_benchmark", reason="pip install pytest-benchmark")
    disk, memory = real_run("folio-write-2fb5"), real_run("folio-write-957a")
    lines = compared(tmp_path, disk, memory)
    assert [line["name"] for line in lines] == ["folio-write::4KiB fresh of 256KiB"] * 2
    figures = [trial.metrics["durable_ns"] / 1e9 for trial in disk.trials if not trial.warmup]
    assert float(min(lines, key=lambda line: -float(line["max"]))["max"]) == max(figures)


def test_the_figures_are_those_that_pytest_benchmark_would_have_made() -> None:
    theirs_of = pytest.importorskip("pytest_benchmark.stats", reason="pip install pytest-benchmark")
    draw = random.Random(1)
    for count in (*range(1, 13), 40):
        theirs = theirs_of.Stats()
        data_s = [draw.lognormvariate(0, 1) for _ in range(count)]
        for value in data_s:
            theirs.update(value)
        ours = stats(data_s)
        assert {name: ours[name] for name in theirs.fields} == pytest.approx(theirs.as_dict())


def test_all_metrics_with_their_units_travel_as_extra_info() -> None:
    document = json.loads(rendered("pytest-benchmark", run_with(COUNTED)))
    info = document["benchmarks"][0]["extra_info"]
    assert (info["case"], info["metric"]) == (SLOW.id, "ready_ns")
    assert info["metrics"]["throughput"]["unit"] == "B/s"
    assert info["metrics"]["first_byte_ns"]["rounds"] == [70.0] * 3
    assert document["machine_info"]["cpu"] == {"brand_raw": "A CPU"}


def test_pytest_benchmark_gets_nothing_where_no_time_was_measured() -> None:
    with pytest.raises(CannotMeasureError, match=r"measures no time, and pytest-benchmark knows"):
        rendered("pytest-benchmark", run_with(metrics=(SPEED,)))
