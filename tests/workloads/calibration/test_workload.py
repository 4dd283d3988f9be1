"""calibration: what its Cases are, and what they cost here."""

import errno
from pathlib import Path

import pytest

import loadstone
from commands import Command, needs_root
from loadstone.analysis.summary import summarise
from loadstone.environment.calibration import MICROBENCHMARKS
from loadstone.errors import UsageError
from loadstone.model import Case, CoreError, Input, Outcome, Status
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.calibration.trials import PreparedCalibration


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
    costs = {
        str(summary.case.parameters["effect"]): summary.metrics["cost_ns"].low
        for summary in summarise(run)
    }
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


def test_size_makes_cases_of_writes_only() -> None:
    chosen = workload("calibration")
    sizes = (4096, 65536)
    for effect, count in (("write", 2), ("memcpy", 1)):
        cases, remarks = make_cases(chosen, [{"effect": effect, "size": size} for size in sizes])
        assert len(cases) == len({case.label for case in cases}) == count
        assert bool(remarks) == (count == 1)


@pytest.mark.parametrize(
    ("code", "step", "status", "words"),
    [
        (errno.EOPNOTSUPP, "huge pages", Status.SKIPPED, "no transparent huge pages"),
        (errno.EINVAL, "MADV_HUGEPAGE", Status.SKIPPED, "no transparent huge pages"),
        (errno.ENOMEM, "huge page fault", Status.SKIPPED, "small pages where huge ones"),
        (errno.ENOSPC, "write", Status.SKIPPED, "no file can be made"),
        (errno.EAGAIN, "page cache of", Status.INVALID, "left the page cache"),
        (errno.EIO, "fsync", Status.FAILED, "Input/output error"),
    ],
)
def test_what_an_effect_lacks_is_told(
    place: Path, code: int, step: str, status: Status, words: str
) -> None:
    prepared = PreparedCalibration(LocalTarget(place), Input(), None, str(place / "none"))
    case = Case.of("calibration", "x", {"effect": "thp-fault", "size": 65536})
    error = CoreError(code=code, step=step, path="memory")
    finding = prepared.evaluate(case, Outcome(error=error))
    assert finding.status is status
    assert words in (finding.reason or "")
    assert finding.remedy or status is Status.FAILED


@needs_root
def test_a_kernel_whose_huge_pages_are_off_is_a_skip(place: Path) -> None:
    switch = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not switch.exists():
        pytest.skip("needs a kernel with CONFIG_TRANSPARENT_HUGEPAGE")
    before = switch.read_text().split("[")[1].split("]")[0]
    switch.write_text("never")
    try:
        run = loadstone.run(
            "calibration",
            axes={"effect": "thp-fault"},
            rounds=1,
            warmups=0,
            results=place / "results",
        )
    finally:
        switch.write_text(before)
    assert [trial.status for trial in run.trials] == [Status.SKIPPED]
    assert "transparent_hugepage/enabled" in (run.trials[0].remedy or "")


@pytest.mark.parametrize("named", [{"file": "model.gguf"}, {"size": 4096}])
def test_no_file_of_the_user_is_taken(place: Path, named: dict[str, str | int]) -> None:
    with pytest.raises(UsageError, match="calibration takes no --file and no --size"):
        loadstone.run("calibration", results=place / "results", **named)  # type: ignore[arg-type]
