"""What Trials of calibration say of this machine."""

from pathlib import Path

import pytest

import loadstone
from commands import Command
from loadstone.analysis.summary import summarise
from loadstone.environment.calibration import MICROBENCHMARKS


@pytest.mark.alone
def test_a_run_of_the_default_cases_has_a_cost_for_each(place: Path) -> None:
    run = loadstone.run(
        "calibration", directory=place, rounds=1, warmups=0, results=place / "results"
    )
    assert len(run.manifest.plan.cases) == len(MICROBENCHMARKS) + 1
    for summary in summarise(run):
        if summary.skipped:
            assert summary.case.parameters["effect"] == "thp-fault", summary.skipped
            continue
        assert summary.failed == 0, summary.reasons
        cost, mean = summary.metrics["cost_ns"].median, summary.evidence["mean_cost_ns"]
        assert 0 < cost <= mean, summary.case.label
    assert not list(place.rglob("loadstone-*"))


def test_costs_stand_in_the_order_that_any_machine_has(place: Path) -> None:
    """A switch by a pipe has two calls in it."""
    run = loadstone.run(
        "calibration",
        axes={"effect": ["clock-read", "context-switch", "memcpy", "syscall"]},
        rounds=3,
        results=place / "results",
    )
    labels = {case.id: str(case.parameters["effect"]) for case in run.manifest.plan.cases}
    costs: dict[str, float] = {}
    for trial in run.trials:
        # Other load makes it more expensive, never cheaper.
        effect, cost_ns = labels[trial.case], trial.metrics["cost_ns"]
        costs[effect] = min(cost_ns, costs.get(effect, cost_ns))
    assert costs["context-switch"] > costs["syscall"]
    assert costs["memcpy"] > costs["clock-read"]


def test_cases_that_need_no_file_need_no_directory(loadstone: Command) -> None:
    done = loadstone(
        *("run", "calibration", "--set", "effect=syscall", "--rounds", "1", "--warmups", "0")
    )
    assert (done.code, "per call" in done.out) == (0, True), done.err


def test_the_table_tells_a_cost_for_each_unit_and_names_no_fastest(loadstone: Command) -> None:
    done = loadstone("run", "calibration", "--set", "effect=syscall,memset", "--rounds", "3")
    assert done.code == 0
    heading = next(line for line in done.out.splitlines() if line.startswith("case"))
    assert heading.split() == [
        *("case", "ns/unit", "95", "%", "interval", "mean", "units", "faults", "switches"),
        *("trials", "notes"),
    ]
    assert "fastest" not in done.out
    page = loadstone.place / "report.html"
    assert loadstone("report", "last", "-o", page).code == 0
    assert "Fastest" not in page.read_text()
    assert "No Case" not in page.read_text()
