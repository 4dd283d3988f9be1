"""Summaries count what counts and say what went wrong with the rest."""

import pytest

from loadstone.analysis.summary import counted_trials, summarise
from loadstone.model import Case, Metric, Run, Span, Status, Trial
from sample_runs import DELAY, SPEED, manifest_of, plan_of, run_of, trial_of

FAST, SLOW, BROKEN, ABSENT = (
    Case.of("model-load", label, {"engine": label}) for label in ("fast", "slow", "broken", "no")
)


def _trial(case: Case, number: int, speed: float, **changes: object) -> Trial:
    fields: dict[str, object] = {
        "evidence": {"flushes": float(number)},
        "spans": (
            Span(name="open", lane=0, start_ns=0, end_ns=10),
            Span(name="read", lane=1, start_ns=5, end_ns=100 + number),
            Span(name="release", lane=0, start_ns=200, end_ns=900),
        ),
    }
    return trial_of(case, number, {"throughput": speed, "delay": 1e9 / speed}, **fields | changes)


def _run(*trials: Trial, metrics: tuple[Metric, ...] = (SPEED, DELAY)) -> Run:
    plan = plan_of((ABSENT, SLOW, BROKEN, FAST), warmups=1)
    return run_of(manifest_of(plan, metrics=metrics), trials)


TRIALS = (
    *(_trial(FAST, number, 200.0 + number) for number in range(3)),
    *(_trial(SLOW, number, 100.0 + number) for number in range(3)),
    _trial(SLOW, 0, 1e6, warmup=True),
    _trial(SLOW, 1, 1e6, status=Status.INVALID, reason="12 pages still cached"),
    _trial(SLOW, 2, 1e6, status=Status.INVALID, reason="12 pages still cached"),
    _trial(BROKEN, 0, 1e6, warmup=True, status=Status.FAILED, reason="wrong data"),
    _trial(ABSENT, 0, 1e6, status=Status.SKIPPED, reason="no udmabuf", remedy="load udmabuf"),
)


@pytest.mark.parametrize("metrics", [(SPEED, DELAY), (DELAY, SPEED)])
def test_cases_come_best_first_and_those_without_figures_last(
    metrics: tuple[Metric, ...],
) -> None:
    labels = [summary.case.label for summary in summarise(_run(*TRIALS, metrics=metrics))]
    assert labels == ["fast", "slow", "no", "broken"]


def test_only_good_trials_that_are_no_warm_ups_make_the_figures() -> None:
    run = _run(*TRIALS)
    slow = summarise(run)[1]
    assert (slow.trials, slow.invalid, slow.failed) == (3, 2, 0)
    assert slow.metrics["throughput"].median == 101.0
    assert slow.metrics["throughput"].low < 100.0 < 102.0 < slow.metrics["throughput"].high
    assert slow.evidence == {"flushes": 1.0}
    assert slow.reasons == ("12 pages still cached",)
    assert [trial.round for trial in counted_trials(run)[SLOW.id]] == [0, 1, 2]


def test_a_skip_carries_its_reason_and_remedy_and_no_figures() -> None:
    absent = summarise(_run(*TRIALS))[2]
    assert (absent.skipped, absent.remedy) == ("no udmabuf", "load udmabuf")
    assert (absent.trials, absent.metrics, absent.evidence) == (0, {}, {})
    assert absent.busy_ns is None


def test_wrong_data_in_a_warm_up_is_still_a_failure() -> None:
    broken = summarise(_run(*TRIALS))[3]
    assert (broken.trials, broken.failed, broken.reasons) == (0, 1, ("wrong data",))


def test_busy_time_sums_all_lanes_and_leaves_release_out() -> None:
    assert summarise(_run(*TRIALS))[0].busy_ns == 10 + 96


def test_notes_and_evidence_of_some_trials_are_kept_once() -> None:
    trials = [
        _trial(FAST, 0, 1.0, notes=("throttled", "swapped"), evidence={"a": 1.0, "rare": 9.0}),
        _trial(FAST, 1, 1.0, notes=("throttled",), evidence={"a": 3.0}),
    ]
    summary = summarise(_run(*trials))[0]
    assert summary.notes == ("throttled", "swapped")
    assert summary.evidence == {"a": 2.0, "rare": 9.0}


def test_a_run_that_was_killed_before_its_first_trial_is_summarised() -> None:
    summaries = summarise(_run())
    assert [summary.trials for summary in summaries] == [0, 0, 0, 0]
    assert all(summary.skipped is None for summary in summaries)
