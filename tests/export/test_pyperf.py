"""pyperf's JSON, read by pyperf."""

from typing import Any

import pytest

from export.runs import COUNTED, FAST, REAL, SLOW, rendered, run_with
from loadstone.errors import CannotMeasureError
from loadstone.model import Run
from sample_runs import SPEED


def pyperf_suite(run: Run) -> Any:
    """The suite that pyperf itself reads."""
    pyperf = pytest.importorskip("pyperf", reason="pip install pyperf")
    return pyperf.BenchmarkSuite.loads(rendered("pyperf", run))


def test_pyperf_reads_the_times_in_seconds_and_the_clock() -> None:
    suite = pyperf_suite(run_with())
    assert suite.get_benchmark_names() == [SLOW.label, FAST.label]
    slow = suite.get_benchmark(SLOW.label)
    assert slow.get_values() == pytest.approx((3e-3, 6e-3, 9e-3))
    assert (slow.get_nrun(), slow.get_unit()) == (3, "second")
    assert slow.get_metadata()["clock"] == "time of a real machine"


def test_pyperf_finds_nothing_to_compare_between_two_clocks() -> None:
    real, lab = (
        set(pyperf_suite(run_with(facts)).get_benchmark_names()) for facts in (REAL, COUNTED)
    )
    assert not real & lab
    assert f"{FAST.label} (instructions:1ns)" in lab


def test_pyperf_gets_nothing_where_no_time_was_measured() -> None:
    with pytest.raises(CannotMeasureError, match=r"measures no time.*csv or json"):
        rendered("pyperf", run_with(metrics=(SPEED,)))
