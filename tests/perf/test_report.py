"""How long a report takes: in proportion to its Trials, of which it may have ten thousand."""

import time

from pytest_benchmark.fixture import BenchmarkFixture

from loadstone.model import Run
from loadstone.report import html
from perf.conftest import keep, take_pairs
from report.many_trials import MANY, run_of_many

_TENTH = MANY // 10
_PAIRS = 4


def _seconds(run: Run) -> float:
    begun = time.perf_counter()
    html.render([run])
    return time.perf_counter() - begun


def test_a_report_over_ten_thousand_trials_takes_ten_times_as_long_as_over_a_thousand(
    benchmark: BenchmarkFixture,
) -> None:
    """Less than a second, where 5 s are the most that it may take."""
    many, few = run_of_many(100, MANY // 100), run_of_many(100, _TENTH // 100)
    html.render([few])
    pairs = keep(
        benchmark, lambda: take_pairs(lambda: _seconds(many), lambda: _seconds(few), _PAIRS)
    )
    assert pairs.ratio <= 15


def test_ten_times_the_cases_take_ten_times_as_long(benchmark: BenchmarkFixture) -> None:
    many, few = run_of_many(1000, 10), run_of_many(100, 10)
    html.render([few])
    pairs = keep(
        benchmark, lambda: take_pairs(lambda: _seconds(many), lambda: _seconds(few), _PAIRS)
    )
    assert pairs.ratio <= 15
