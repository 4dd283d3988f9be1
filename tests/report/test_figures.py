"""The table of a Run has its workload's columns, and some for a workload that is not known."""

from loadstone.analysis.summary import summarise
from loadstone.model import Better, Case, Metric, Run, Span
from loadstone.report.figures import cells, headings, is_ranked
from loadstone.units import format_metric
from loadstone.workloads import workloads
from sample_runs import SPEED, manifest_of, plan_of, run_of, trial_of

DELAY = Metric(name="delay_ns", unit="ns", better=Better.LOWER)


def _run(workload: str, metrics: tuple[Metric, ...] = (SPEED, DELAY)) -> Run:
    case = Case.of(workload, "only", {})
    figures = {"throughput": 2e9, "delay_ns": 3e6, "ready_ns": 4e6, "cost_ns": 123.4}
    trials = [
        trial_of(
            case,
            number,
            figures,
            evidence={"minor_faults": 7.0, "cached_after_bytes": -1.0},
            spans=(Span(name="read", lane=0, start_ns=0, end_ns=5_000_000),),
        )
        for number in range(3)
    ]
    return run_of(manifest_of(plan_of([case]), metrics=metrics), trials)


def _table(run: Run) -> dict[str, str]:
    return dict(zip(headings(run), cells(run, summarise(run)[0]), strict=True))


def test_a_workload_that_is_not_known_here_shows_the_metrics_of_its_run() -> None:
    run = _run("of-tomorrow")
    assert _table(run) == {
        "GB/s": "2.000",
        "95 % interval": "2.000 – 2.000",
        "delay_ns ms": "3.0",
        "trials": "3",
    }
    assert is_ranked(run)


def test_model_load_shows_metrics_busy_time_and_evidence_and_what_is_unknown() -> None:
    ready = Metric(name="ready_ns", unit="ns", better=Better.LOWER)
    assert _table(_run("model-load", (SPEED, ready))) == {
        "GB/s": "2.000",
        "95 % interval": "2.000 – 2.000",
        "ready ms": "4.0",
        "busy ms": "5.0",
        "CPU s/GB": "unknown",
        "faults": "7",
        "left in cache": "unknown",
        "trials": "3",
    }


def test_a_cost_stands_in_its_own_unit() -> None:
    cost = Metric(name="cost_ns", unit="ns/unit", better=Better.LOWER)
    run = _run("calibration", (cost,))
    assert _table(run)["ns/unit"] == "123"
    assert not is_ranked(run)


def test_every_column_has_a_heading_of_its_own_and_a_unit_that_is_written() -> None:
    for workload in workloads().values():
        known = [column.heading for column in workload.columns]
        assert len(set(known)) == len(known)
        assert all(format_metric(1.0, column.unit) for column in workload.columns)


def test_a_counter_of_another_workload_is_not_taken_for_a_metric_of_that_name() -> None:
    peak = Metric(name="minor_faults", unit="count", better=Better.LOWER)
    assert _table(_run("command"))["faults"] == "7"
    assert _table(_run("command", (SPEED, peak)))["faults"] == "unknown"
