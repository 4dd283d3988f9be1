"""What two series of figures of one Case come to: effect, interval, verdict, what moved."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from loadstone.analysis.comparison import Effect, Verdict
from loadstone.analysis.explanation import explain_change
from loadstone.analysis.pairing import Match
from loadstone.analysis.stats import (
    Interval,
    holm,
    rank_test,
    ratio_interval,
    rounds_needed,
    sign_flip_test,
)
from loadstone.analysis.thresholds import Thresholds
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Better, Metric, Run, Trial
from loadstone.text import did_you_mean

ALPHA = 0.05
_FEW_ROUNDS = 5


def metric_of(run: Run, name: str | None) -> Metric | None:
    """The metric of that name, or the primary one; None where the Run has none.

    Raises:
        UsageError: there is none of that name.
    """
    metrics = {metric.name: metric for metric in run.manifest.metrics}
    if name is None:
        return next(iter(metrics.values()), None)
    if name not in metrics:
        hint = did_you_mean(name, metrics)
        raise UsageError(
            f"{name}: {run.id} has no such metric{hint}", remedy=f"it has {', '.join(metrics)}"
        )
    return metrics[name]


def common_metric(runs: Sequence[Run], name: str | None) -> Metric:
    """The metric of that name, or the primary one, that all Runs have alike.

    Raises:
        CannotMeasureError: they differ in it, or have none.
        UsageError: one of them has none of that name.
    """
    first = runs[0]
    expected = metric_of(first, name)
    for run in runs:
        found = metric_of(run, name)
        if expected is None or found != expected:
            raise CannotMeasureError(
                f"{first.id} measures {_metric_words(expected)} and {run.id} measures "
                f"{_metric_words(found)}",
                remedy="compare Runs of the same workload",
            )
    assert expected is not None, "each Run was looked at"
    return expected


def _metric_words(metric: Metric | None) -> str:
    return f"{metric.name} in {metric.unit}" if metric else "nothing"


class Foreign(NamedTuple):
    """How far a metric may have moved for other reasons than what is compared: the lowest and the
    highest logarithm of the ratio, turned so that above 0 is better."""

    low: float
    high: float

    def is_beyond(self, ratio: Interval) -> bool:
        """Whether all of an interval lies outside."""
        return math.log(ratio.low) > self.high or math.log(ratio.high) < self.low

    def is_within(self, threshold: float) -> bool:
        """Whether it is less than a change that still counts as the same."""
        return max(self.high, -self.low) <= math.log1p(threshold)


NOTHING_FOREIGN = Foreign(0.0, 0.0)


def effects_of(
    matches: Sequence[Match],
    metric: Metric,
    thresholds: Thresholds,
    confidence: float,
    drift: Foreign = NOTHING_FOREIGN,
    machine: Foreign = NOTHING_FOREIGN,
) -> tuple[Effect, ...]:
    """The Effect of each Match, corrected for how many there are.

    A difference is called where the test (of signs where paired, else of ranks) and the ratio's
    interval both see one, and the interval lies beyond both drift and what the machine itself
    did where the Match is not paired.

    Args:
        confidence: of the interval: that of ``loadstone.analysis.stopping.confidence_of``.
    """
    p_values = [_p_of(match, metric) for match in matches]
    return tuple(
        _effect(
            match,
            metric,
            thresholds.of(match.label),
            p=p,
            confidence=confidence,
            drift=NOTHING_FOREIGN if match.is_paired else drift,
            machine=NOTHING_FOREIGN if match.is_paired else machine,
            comparisons=len(matches),
        )
        for match, p in zip(matches, holm(p_values), strict=True)
    )


def _p_of(match: Match, metric: Metric) -> float:
    test = sign_flip_test if match.is_paired else rank_test
    return test(*match.values(metric))


class Estimate(NamedTuple):
    """What statistics say of a Case: the ratio NEW ÷ BASE with its interval, and p.

    ``rounds`` is how many figures the side with fewer has; for a difference to be called the
    interval has to lie beyond ``drift`` and ``machine``, and for none to be a finding the machine
    has to be the same.
    """

    ratio: Interval
    p: float
    rounds: int
    drift: Foreign = NOTHING_FOREIGN
    machine: Foreign = NOTHING_FOREIGN

    def is_called(self, ratio: Interval) -> bool:
        """Whether it is a difference, as the ratio that is turned so that above 1 is better."""
        return _is_seen(self) and self.drift.is_beyond(ratio) and self.machine.is_beyond(ratio)


def effect_of(
    label: str,
    metric: Metric,
    threshold: float,
    estimate: Estimate,
    trials: tuple[Sequence[Trial], Sequence[Trial]],
) -> Effect:
    """The Effect that an Estimate comes to, with the counters that moved between Trials.

    Args:
        trials: of BASE and of NEW.
    """
    interval = _better_above_one(estimate.ratio, metric.better)
    verdict = Verdict.INCONCLUSIVE
    if estimate.rounds > 1 and _is_within(interval, threshold):
        is_same = estimate.machine.is_within(threshold)
        verdict = Verdict.SAME if is_same else Verdict.INCONCLUSIVE
    elif estimate.is_called(interval):
        verdict = Verdict.FASTER if interval.median > 1 else Verdict.SLOWER
    explanation = explain_change(*trials, metric)
    return Effect(
        label=label,
        metric=metric.name,
        ratio=interval.median,
        low=interval.low,
        high=interval.high,
        p=estimate.p,
        verdict=verdict,
        rounds_needed=None,
        evidence=explanation.evidence,
        cause=explanation.cause,
    )


def _effect(
    match: Match,
    metric: Metric,
    threshold: float,
    p: float,
    confidence: float,
    drift: Foreign,
    machine: Foreign,
    comparisons: int,
) -> Effect:
    base, new = match.values(metric)
    estimate = Estimate(
        ratio=ratio_interval(base, new, match.is_paired, confidence),
        p=p,
        rounds=match.rounds,
        drift=drift,
        machine=machine,
    )
    effect = effect_of(match.label, metric, threshold, estimate, (match.base, match.new))
    if effect.verdict is not Verdict.INCONCLUSIVE or _is_seen(estimate):
        return effect
    needed = rounds_needed(estimate.ratio, match.rounds, threshold, match.is_paired, comparisons)
    return msgspec.structs.replace(effect, rounds_needed=needed)


def _is_seen(estimate: Estimate) -> bool:
    return estimate.p < ALPHA and NOTHING_FOREIGN.is_beyond(estimate.ratio)


def _better_above_one(ratio: Interval, better: Better) -> Interval:
    if better is Better.HIGHER:
        return ratio
    return Interval(1 / ratio.median, 1 / ratio.high, 1 / ratio.low)


def _is_within(ratio: Interval, threshold: float) -> bool:
    return 1 / (1 + threshold) <= ratio.low and ratio.high <= 1 + threshold


def few_rounds_warnings(matches: Sequence[Match]) -> list[str]:
    """That there are too few rounds of some to be told much of."""
    few = [match.label for match in matches if match.rounds < _FEW_ROUNDS]
    return [f"fewer than {_FEW_ROUNDS} good rounds of {', '.join(few)}"] if few else []
