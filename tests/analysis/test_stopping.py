"""When enough rounds were made, and that looking after each of them spoils nothing."""

import math

import msgspec
import pytest

from analysis import simulate_stopping as simulated
from loadstone.analysis import stats
from loadstone.analysis.compare import compare
from loadstone.analysis.stats import median_interval, ratio_interval
from loadstone.analysis.stopping import (
    CONFIDENCE,
    Ending,
    Precision,
    case_precision,
    confidence_of,
    precisions,
    rounds_expected,
    stop_of,
)
from loadstone.analysis.summary import summarise
from loadstone.analysis.within_run import PAIRS, compare_within
from loadstone.model import Case, Run, Status, StopRule
from sample_runs import SPEED, manifest_of, measured_run, plan_of, run_of, trial_of

A, B, C = (Case.of("w", f"depth {depth}", {"depth": depth}) for depth in (1, 2, 3))
STEADY = [1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.004, 0.996, 1.0, 1.001, 0.999]
UNSTEADY = [1.0, 1.5, 0.7, 1.2, 0.8, 1.4, 0.6, 1.1, 0.9, 1.3, 1.0, 0.75]
RULE = StopRule(within=0.02, most_rounds=200)
PLAN = msgspec.structs.replace(plan_of((A, B, C), rounds=10), until=RULE)


def ruled(run: Run, rule: StopRule = RULE, **changes: object) -> Run:
    """The same Run, of a Plan with a rule."""
    plan = msgspec.structs.replace(run.manifest.plan, rounds=10, until=rule, **changes)
    return msgspec.structs.replace(run, manifest=msgspec.structs.replace(run.manifest, plan=plan))


def test_a_width_is_that_of_the_farther_end_as_a_share_of_the_median() -> None:
    figures = [100.0] * 6 + [101.0, 102.0, 103.0, 110.0, 111.0, 112.0]
    interval = median_interval(figures, CONFIDENCE)
    found = case_precision("a", figures)
    assert found.width == (interval.high - interval.median) / interval.median
    assert found.width > (interval.median - interval.low) / interval.median
    assert found.is_within(found.width)
    assert not found.is_within(found.width * 0.999)


def test_few_figures_are_never_narrow_enough() -> None:
    assert not case_precision("a", [1.0] * 9).is_within(0.5)
    assert case_precision("a", [1.0] * 10).is_within(0.5)
    assert case_precision("a", [1.0]).width == math.inf
    assert case_precision("a", [-1.0, 0.0, 1.0] * 4).width == math.inf


def test_what_was_skipped_or_never_good_is_not_waited_for() -> None:
    trials = [trial_of(A, number, {SPEED.name: one}) for number, one in enumerate(STEADY)]
    trials += [trial_of(B, 0, {}, status=Status.SKIPPED)]
    trials += [trial_of(C, number, {}, status=Status.INVALID) for number in range(12)]
    trials += [trial_of(C, 0, {SPEED.name: 5.0}, warmup=True)]
    assert [one.label for one in precisions(PLAN, SPEED, trials)] == [A.label]
    assert precisions(PLAN, None, trials) == ()


def test_of_pairs_the_ratio_counts_by_the_rounds_that_are_good_on_both_sides() -> None:
    drift = [1 + number / 10 for number in range(14)]
    base = [one * moved for one, moved in zip([*STEADY, 1.0, 1.0], drift, strict=True)]
    trials = [trial_of(A, number, {SPEED.name: one}) for number, one in enumerate(base)]
    trials += [
        trial_of(B, number, {SPEED.name: 2 * one}) for number, one in enumerate(drift) if number
    ]
    paired = msgspec.structs.replace(PLAN, cases=(A, B), pairs=((A.id, B.id),))
    (pair,) = precisions(paired, SPEED, trials)
    expected = ratio_interval(base[1:], [2 * one for one in drift[1:]], True, CONFIDENCE)
    assert (pair.label, pair.figures) == ("depth 1: 1 → 2", 13)
    assert pair.width == pytest.approx(
        max(expected.high - expected.median, expected.median - expected.low) / expected.median
    )
    alone, _ = precisions(msgspec.structs.replace(paired, pairs=()), SPEED, trials)
    assert alone.width > 5 * pair.width


@pytest.mark.parametrize(
    ("width", "figures", "expected"),
    [(0.04, 10, 40), (0.02, 10, 10), (0.021, 10, 12), (0.01, 9, 11), (math.inf, 10, None)],
)
def test_a_width_is_expected_to_shrink_as_one_over_the_root_of_the_rounds(
    width: float, figures: int, expected: int | None
) -> None:
    found = [Precision(label="a", figures=figures, width=width)]
    assert rounds_expected(found, 10, 0.02) == expected


def test_a_run_tells_why_no_more_rounds_were_added() -> None:
    steady = ruled(measured_run(((A, STEADY),), SPEED))
    both = ruled(measured_run(((A, STEADY), (B, UNSTEADY)), SPEED))
    most = ruled(both, StopRule(within=0.02, most_rounds=12))
    endings = [stop_of(run) for run in (steady, both, most)]
    assert [stop.ending for stop in endings if stop] == [
        Ending.NARROW,
        Ending.EARLY,
        Ending.ROUNDS,
    ]
    wide = [[one.label for one in stop.wide] for stop in endings if stop]
    assert wide == [[], [B.label], [B.label]]
    assert stop_of(measured_run(((A, STEADY),), SPEED)) is None
    nothing = stop_of(ruled(run_of(manifest_of(plan_of((A,), rounds=10)), ())))
    assert nothing is not None
    assert (nothing.ending, nothing.rounds) == (Ending.EARLY, 0)


def test_what_is_shown_of_such_a_run_is_what_was_looked_at() -> None:
    run = measured_run(((A, UNSTEADY), (B, UNSTEADY[::-1])), SPEED)
    assert confidence_of(run.manifest.plan) == 0.95
    for shown, confidence in ((run, 0.95), (ruled(run), CONFIDENCE)):
        first = summarise(shown)[0]
        assert first.metrics[SPEED.name] == median_interval(UNSTEADY, confidence)
    pairs = ruled(run, pairs=((A.id, B.id),))
    (effect,) = compare_within(pairs, PAIRS).effects
    interval = ratio_interval(UNSTEADY, UNSTEADY[::-1], True, CONFIDENCE)
    assert (effect.low, effect.high) == (interval.low, interval.high)


def test_one_such_run_is_enough_for_wider_intervals_of_a_comparison() -> None:
    base, new = (
        measured_run(((A, own),), SPEED, id_=str(hour), hour=hour)
        for hour, own in enumerate((UNSTEADY, UNSTEADY[::-1]))
    )
    usual, wider = compare(base, new).effects[0], compare(base, ruled(new)).effects[0]
    assert wider.low < usual.low < usual.high < wider.high


@pytest.mark.parametrize("name", ["normal", "5 % outliers"])
def test_intervals_of_runs_that_end_when_they_are_narrow_cover_what_they_promise(
    name: str,
) -> None:
    noise = simulated.INDEPENDENT[name]
    shown, rounds = simulated.coverage(noise, 0.04, 800, CONFIDENCE)
    usual, _ = simulated.coverage(noise, 0.04, 800, simulated.UNCORRECTED)
    assert shown >= 0.93
    assert rounds < 50
    # Without the correction they do not, or this test could not fail.
    assert usual < shown - 0.01


def test_ending_by_the_rule_makes_no_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_RESAMPLES", 799)
    lognormal, normal = (simulated.INDEPENDENT[name] for name in ("lognormal", "normal"))
    assert simulated.false_alarms(lognormal, 0.03, 200) <= 0.05
    assert simulated.false_alarms_within(normal, 0.03, 200) <= 0.05
