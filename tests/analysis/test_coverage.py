"""What came of a Case in each of two Runs, and the exit code that this comes to."""

from collections.abc import Sequence

import msgspec
import pytest

from analysis.runs import STEADY, run_with
from loadstone.analysis.compare import NothingInCommonError, compare
from loadstone.analysis.comparison import CaseOutcome, Comparison
from loadstone.analysis.coverage import in_words
from loadstone.analysis.exit_codes import gate_code, unmeasured_code
from loadstone.errors import ExitCode
from loadstone.model import Run, Status, Trial

TWO = {"block 0": STEADY, "block 1": STEADY}
WRONG = "wrong data arrived"


def _changed(run: Run, trials: Sequence[Trial], **change: object) -> Run:
    """The Run with these of its Trials changed."""
    bad = {id(trial) for trial in trials}
    return msgspec.structs.replace(
        run,
        trials=tuple(
            msgspec.structs.replace(trial, **change) if id(trial) in bad else trial
            for trial in run.trials
        ),
    )


def _of(run: Run, label: str) -> list[Trial]:
    (id_,) = {case.id for case in run.manifest.plan.cases if case.label == label}
    return [trial for trial in run.trials if trial.case == id_]


def _ended(run: Run, label: str, status: Status, count: int | None = None) -> Run:
    """The Run in which the first Trials of a Case, or all, ended so."""
    trials = _of(run, label)[:count]
    return _changed(run, trials, status=status, reason=WRONG, remedy="look", metrics={})


def _without(run: Run, label: str) -> Run:
    gone = {id(trial) for trial in _of(run, label)}
    return msgspec.structs.replace(
        run, trials=tuple(trial for trial in run.trials if id(trial) not in gone)
    )


BASE, NEW = run_with("a", TWO), run_with("b", TWO, hour=1)
FASTER = run_with("b", {"block 0": [2 * one for one in STEADY], "block 1": STEADY}, hour=1)
SLOWER = run_with("b", {"block 0": [one / 2 for one in STEADY], "block 1": STEADY}, hour=1)

LACKING = {
    "all failed": (_ended(NEW, "block 1", Status.FAILED), CaseOutcome.FAILED, ExitCode.FAILED),
    "one failed": (_ended(NEW, "block 1", Status.FAILED, 1), None, ExitCode.FAILED),
    "skipped": (
        _ended(NEW, "block 1", Status.SKIPPED),
        CaseOutcome.SKIPPED,
        ExitCode.NOT_MEASURED,
    ),
    "invalid": (
        _ended(NEW, "block 1", Status.INVALID),
        CaseOutcome.INVALID,
        ExitCode.NOT_MEASURED,
    ),
    "not in its plan": (
        run_with("b", {"block 0": STEADY}, hour=1),
        CaseOutcome.MISSING,
        ExitCode.NOT_MEASURED,
    ),
    "cut off": (_without(NEW, "block 1"), CaseOutcome.MISSING, ExitCode.NOT_MEASURED),
    "zero": (
        run_with("b", TWO | {"block 1": [0.0, *STEADY[1:]]}, hour=1),
        CaseOutcome.NO_FIGURE,
        ExitCode.NOT_MEASURED,
    ),
}


@pytest.mark.parametrize("name", LACKING)
def test_a_case_that_new_lacks_is_told_and_decides_the_exit_code(name: str) -> None:
    new, outcome, code = LACKING[name]
    comparison = compare(BASE, new)
    (case,) = comparison.incomplete
    assert (case.label, case.base.outcome) == ("block 1", CaseOutcome.MEASURED)
    assert case.new.outcome is (outcome or CaseOutcome.MEASURED)
    assert case.is_compared is (outcome is None)
    assert case.new.reason
    assert case.new.remedy
    assert case.new.reason in in_words(case)
    assert len(comparison.unmatched) == (0 if case.is_compared else 1)
    assert unmeasured_code(comparison) is gate_code(comparison) is code


@pytest.mark.parametrize("name", LACKING)
def test_what_base_lacks_and_new_measures_is_told_and_fails_nothing(name: str) -> None:
    base, _, _ = LACKING[name]
    comparison = compare(base, BASE)
    assert [case.label for case in comparison.incomplete] == ["block 1"]
    assert unmeasured_code(comparison) is gate_code(comparison) is ExitCode.DONE


def test_a_failure_in_a_warm_up_is_one_and_an_invalid_warm_up_is_none() -> None:
    (first,) = _of(NEW, "block 1")[:1]
    for status, code in ((Status.FAILED, ExitCode.FAILED), (Status.INVALID, ExitCode.DONE)):
        warmup = msgspec.structs.replace(first, warmup=True, status=status, metrics={})
        new = msgspec.structs.replace(NEW, trials=(warmup, *NEW.trials))
        assert gate_code(compare(BASE, new)) is code


def test_some_invalid_trials_among_good_ones_are_no_lack() -> None:
    comparison = compare(BASE, _ended(NEW, "block 1", Status.INVALID, 1))
    assert comparison.incomplete == ()
    assert gate_code(comparison) is ExitCode.DONE


def test_what_neither_run_had_to_measure_is_not_told_but_what_failed_in_both_is() -> None:
    skipped = _ended(BASE, "block 1", Status.SKIPPED), _ended(NEW, "block 1", Status.SKIPPED)
    assert compare(*skipped).incomplete == ()
    failed = _ended(BASE, "block 1", Status.FAILED), _ended(NEW, "block 1", Status.FAILED)
    comparison = compare(*failed)
    assert [in_words(case) for case in comparison.incomplete] == [
        f"block 1 (BASE: failed, {WRONG}; NEW: failed, {WRONG})"
    ]
    assert gate_code(comparison) is ExitCode.FAILED


def _with_failure(new: Run) -> Comparison:
    return compare(BASE, _ended(new, "block 1", Status.FAILED, 1))


def test_a_failure_comes_before_a_regression_and_that_before_a_lack() -> None:
    assert gate_code(compare(BASE, FASTER)) is ExitCode.DONE
    assert gate_code(compare(BASE, SLOWER)) is ExitCode.REGRESSION
    assert gate_code(_with_failure(SLOWER)) is ExitCode.FAILED
    lacking = _ended(SLOWER, "block 1", Status.INVALID)
    assert gate_code(compare(BASE, lacking)) is ExitCode.REGRESSION
    assert unmeasured_code(compare(BASE, SLOWER)) is ExitCode.DONE
    assert unmeasured_code(compare(BASE, lacking)) is ExitCode.NOT_MEASURED


def test_an_inconclusive_case_is_not_measured_for_the_gate_alone() -> None:
    comparison = compare(run_with("a", {"block 0": [1.0]}), run_with("b", {"block 0": [1.1]}))
    assert gate_code(comparison) is ExitCode.NOT_MEASURED
    assert unmeasured_code(comparison) is ExitCode.DONE


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.FAILED, ExitCode.FAILED),
        (Status.SKIPPED, ExitCode.NOT_MEASURED),
        (Status.INVALID, ExitCode.NOT_MEASURED),
    ],
)
def test_nothing_in_common_has_what_came_of_each_case(status: Status, code: ExitCode) -> None:
    new = _ended(_ended(NEW, "block 0", status), "block 1", status)
    with pytest.raises(NothingInCommonError, match="no measured Case in common") as caught:
        compare(BASE, new)
    assert caught.value.exit_code is code
    incomplete = caught.value.comparison.incomplete
    assert [case.new.outcome for case in incomplete] == [CaseOutcome(status)] * 2
    with pytest.raises(NothingInCommonError) as caught:
        compare(BASE, run_with("c", {"other": STEADY}))
    assert caught.value.exit_code is ExitCode.NOT_MEASURED
