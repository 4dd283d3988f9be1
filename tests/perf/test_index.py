"""How long the index over many Runs takes: less than reading them as a whole.

A thousand such Runs take 33 times as long: one Run after the other is read and let go.
"""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from click.testing import CliRunner
from pytest_benchmark.fixture import BenchmarkFixture

from loadstone.cli import cli
from loadstone.model import Case
from loadstone.runs import store
from perf.conftest import keep, take_pairs
from report.pages import good_trial, run_with
from sample_runs import write_run

_RUNS, _CASES, _ROUNDS, _COUNTERS = 30, 10, 10, 40
_PAIRS = 6


def _write(results: Path) -> None:
    """Runs of a hundred Trials each, of about four kilobytes as real ones."""
    cases = tuple(
        Case.of("model-load", f"way {number}", {"way": number}) for number in range(_CASES)
    )
    counters = {f"vmstat.some_counter_{number}": float(number) for number in range(_COUNTERS)}
    span = good_trial(cases[0], 0, 1e9).spans[0]
    spans = [msgspec.structs.replace(span, lane=number) for number in range(_COUNTERS)]
    trials = tuple(
        good_trial(case, number, 1e9 + 1e6 * number, evidence=counters, spans=tuple(spans))
        for number in range(_ROUNDS)
        for case in cases
    )
    for number in range(_RUNS):
        run = run_with(*trials, cases=cases, rounds=_ROUNDS, id_=f"run-{number:04}")
        write_run(run, results)


def _seconds(of: Callable[[], object]) -> float:
    begun = time.perf_counter()
    of()
    return time.perf_counter() - begun


def test_an_index_over_runs_takes_less_than_reading_them(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    _write(tmp_path)
    words = ["report", "--index", "--results", str(tmp_path), "-o", str(tmp_path / "i.html")]

    def index() -> None:
        done = CliRunner().invoke(cli, words, standalone_mode=False)
        assert done.exception is None
        assert (tmp_path / "i.html").read_text().count("<tr role") == _RUNS + 1

    def read() -> None:
        assert len([store.load(path) for path in (tmp_path / "runs").iterdir()]) == _RUNS

    pairs = keep(
        benchmark,
        lambda: take_pairs(lambda: _seconds(index), lambda: _seconds(read), _PAIRS),
        unit="s",
    )
    assert pairs.ratio < 1.0
