"""Progress on standard error that is no terminal: a line a round, and each complaint once."""

from pathlib import Path

import pytest

from loadstone.model import Case, Status, Step
from loadstone.report.progress import LineReport, ProgressReport
from sample_runs import trial_of

CASE = Case.of("model-load", "pread [bold]", {})
WARM_UP, FIRST, SECOND = (
    Step(case=CASE, round=number, warmup=warmup)
    for number, warmup in ((0, True), (0, False), (1, False))
)
FAILED = trial_of(CASE, 0, {}, status=Status.FAILED, reason="wrong data at 4096")
LINES = [
    "run r: 4 Trials",
    "warm-up 1",
    "round 1",
    "failed pread [bold]: wrong data at 4096",
    "round 2",
]


def watch(observer: ProgressReport | LineReport) -> None:
    """Two Steps of a round, of which both fail alike, between others that go well."""
    observer.begin(Path("runs/r"), 4)
    for step, trial in ((WARM_UP, None), (FIRST, FAILED), (FIRST, FAILED), (SECOND, None)):
        observer.starting(step)
        observer.ended(step, trial)


def test_one_run_has_a_line_a_round_and_a_complaint_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressReport() as observer:
        watch(observer)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == LINES
    assert printed.out == ""


def test_each_of_several_runs_has_its_name_before_its_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watch(LineReport("adb:\x1b[2J"))
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [f"adb:\\x1b[2J: {line}" for line in LINES]
    assert printed.out == ""


def test_steps_that_are_added_are_expected_beyond_those_that_ended() -> None:
    with ProgressReport() as observer:
        watch(observer)
        observer.expect(10)
        (task,) = observer._bar.tasks
        assert (task.completed, task.total) == (4, 14)
