"""Compares two Runs: what changed, by how much, and whether that is significant."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from loadstone.analysis.chronology import order_warnings
from loadstone.analysis.comparability import common_clock, fact_warnings, kernel_of
from loadstone.analysis.comparison import CaseOutcome, Comparison, Effect, IncompleteCase, Verdict
from loadstone.analysis.coverage import in_words
from loadstone.analysis.exit_codes import unmeasured_code
from loadstone.analysis.pairing import Match, is_interleaved, match_cases, order_unknown_warnings
from loadstone.analysis.stats import (
    Interval,
    Trend,
    drift,
    holm,
    rank_test,
    ratio_interval,
    rounds_needed,
)
from loadstone.analysis.summary import counted_trials, evidence_medians
from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Better, Metric, Run
from loadstone.result_names import TIMED_NS, UNTIMED_NS
from loadstone.text import did_you_mean

_ALPHA = 0.05
_DRIFT_SUSPECTED = 0.1
_FEW_ROUNDS = 5
# Two boots of one kernel may differ by this much.
_ONE_BOOT = 0.02
_MOVED = 0.10
_MOST_EVIDENCE = 8
# The Trial's own times, not what the kernel counted.
_OWN_TIMES = {
    *TIMED_NS,
    *UNTIMED_NS,
    "first_byte_ns",
    "write_ns",
    "durable_ns",
    "best_ns",
    "mean_cost_ns",
}


class NothingInCommonError(CannotMeasureError):
    """No Case was measured in both Runs; ``comparison`` has what came of each."""

    comparison: Comparison


def compare(
    base: Run, new: Run, threshold: float = 0.03, metric_name: str | None = None
) -> Comparison:
    """Compare NEW with BASE, Case by Case, on one metric.

    Figures of different clocks have no common unit, so such Runs are not compared at all.
    Cases are matched by id, or by label where the Runs share none. Runs that were interleaved
    round by round are paired. A difference is called where the rank test, corrected for the
    number of Cases, and the ratio's interval both see one, and the interval lies beyond what
    unpaired Runs drifted by within themselves. What else changed between two Runs made apart
    cannot be seen in them: only interleaving rules it out.

    Args:
        base, new: two Runs of the same workload.
        threshold: the change that still counts as the same (0.03: within 1/1.03 to 1.03).
        metric_name: None for the workload's primary metric.

    Raises:
        NothingInCommonError: the Runs have no measured Case in common.
        CannotMeasureError: they have no clock or no metric in common.
        UsageError: the threshold is negative, or there is no such metric.
    """
    if threshold < 0:
        raise UsageError(
            f"a threshold of {threshold} is negative", remedy="give a share such as 0.03"
        )
    clock = common_clock(base, new)
    metric = _common_metric(base, new, metric_name)
    is_paired = is_interleaved(base, new)
    matches, troubled = match_cases(base, new, metric, is_paired)
    drifts = [_drift(run, metric) for run in (base, new)] if matches else []
    drifted = sum(abs(trend.change) for trend in drifts if trend.p < _DRIFT_SUSPECTED)
    effects = tuple(_effects(matches, metric, threshold, drifted))
    comparison = Comparison(
        base=base.id,
        new=new.id,
        effects=effects,
        unmatched=tuple(in_words(case) for case in troubled if _is_of_one(case)),
        warnings=(
            *order_warnings(base, new),
            *order_unknown_warnings(base, new),
            *fact_warnings(base, new),
            *_few_rounds_warnings(matches),
            *_drift_warnings(drifts, effects),
            *_boot_warnings((base, new), effects),
        ),
        clock=clock,
        base_kernel=kernel_of(base),
        new_kernel=kernel_of(new),
        incomplete=tuple(troubled),
    )
    if not matches:
        raise _nothing_in_common(comparison)
    return comparison


def _common_metric(base: Run, new: Run, name: str | None) -> Metric:
    firsts = [_metric(run, name) for run in (base, new)]
    if firsts[0] is None or firsts[0] != firsts[1]:
        names = [f"{first.name} in {first.unit}" if first else "nothing" for first in firsts]
        raise CannotMeasureError(
            f"{base.id} measures {names[0]} and {new.id} measures {names[1]}",
            remedy="compare two Runs of the same workload",
        )
    return firsts[0]


def _metric(run: Run, name: str | None) -> Metric | None:
    """The metric of that name, or the primary one."""
    metrics = {metric.name: metric for metric in run.manifest.metrics}
    if name is None:
        return next(iter(metrics.values()), None)
    if name not in metrics:
        hint = did_you_mean(name, metrics)
        raise UsageError(
            f"{name}: {run.id} has no such metric{hint}", remedy=f"it has {', '.join(metrics)}"
        )
    return metrics[name]


def _effects(
    matches: Sequence[Match], metric: Metric, threshold: float, drifted: float
) -> list[Effect]:
    p_values = [rank_test(*match.values(metric), match.is_paired) for match in matches]
    return [
        _effect(match, metric, threshold, p=p, drifted=drifted, comparisons=len(matches))
        for match, p in zip(matches, holm(p_values), strict=True)
    ]


def _effect(
    match: Match, metric: Metric, threshold: float, p: float, drifted: float, comparisons: int
) -> Effect:
    base, new = match.values(metric)
    interval = _better_above_one(ratio_interval(base, new, match.is_paired), metric.better)
    is_seen = p < _ALPHA and _clearance(interval) > 0
    verdict = Verdict.INCONCLUSIVE
    if match.rounds > 1 and _is_within(interval, threshold):
        verdict = Verdict.SAME
    elif is_seen and (match.is_paired or _clearance(interval) > drifted):
        verdict = Verdict.FASTER if interval.median > 1 else Verdict.SLOWER
    needed = None
    if verdict is Verdict.INCONCLUSIVE and not is_seen:
        needed = rounds_needed(base, new, threshold, match.is_paired, comparisons)
    return Effect(
        label=match.label,
        metric=metric.name,
        ratio=interval.median,
        low=interval.low,
        high=interval.high,
        p=p,
        verdict=verdict,
        rounds_needed=needed,
        evidence=_moved(evidence_medians(match.base), evidence_medians(match.new)),
    )


def _better_above_one(ratio: Interval, better: Better) -> Interval:
    if better is Better.HIGHER:
        return ratio
    return Interval(1 / ratio.median, 1 / ratio.high, 1 / ratio.low)


def _is_within(ratio: Interval, threshold: float) -> bool:
    return 1 / (1 + threshold) <= ratio.low and ratio.high <= 1 + threshold


def _clearance(ratio: Interval) -> float:
    """How far an interval stays from 1, as a logarithm; not above 0 where it holds 1."""
    return max(math.log(ratio.low), -math.log(ratio.high))


def _moved(base: Mapping[str, float], new: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """The evidence that differs by more than a tenth of BASE, most changed first."""
    changes = {
        name: abs(new[name] - value) / abs(value) if value else math.inf
        for name, value in base.items()
        if name in new and new[name] != value and name not in _OWN_TIMES
    }
    names = sorted((name for name in changes if changes[name] > _MOVED), key=lambda n: -changes[n])
    return {name: (base[name], new[name]) for name in names[:_MOST_EVIDENCE]}


def _drift(run: Run, metric: Metric) -> Trend:
    """How the logarithm of all Cases' figures, taken together, moved over a Run's rounds."""
    shares: dict[int, list[float]] = {}
    for trials in counted_trials(run).values():
        figures = {one.round: one.metrics.get(metric.name, 0.0) for one in trials}
        positive = {number: figure for number, figure in figures.items() if figure > 0}
        for number, figure in positive.items():
            shares.setdefault(number, []).append(figure / median(positive.values()))
    return drift([math.log(median(shares[number])) for number in sorted(shares)])


def _drift_warnings(drifts: Sequence[Trend], effects: Sequence[Effect]) -> list[str]:
    """Runs that drifted, and effects that are significant but within the drift."""
    moved = [
        f"{name} drifted by {math.expm1(trend.change):+.1%} from its first round to its last"
        for name, trend in zip(("BASE", "NEW"), drifts, strict=False)
        if trend.p < _ALPHA
    ]
    withheld = [
        effect.label
        for effect in effects
        if effect.verdict is Verdict.INCONCLUSIVE
        and effect.p < _ALPHA
        and not effect.low <= 1 <= effect.high
    ]
    if not withheld:
        return moved
    return [
        *moved,
        f"not called, as drift within the Runs could explain it: {', '.join(withheld)}; "
        "let the target settle, or interleave the Runs",
    ]


def _boot_warnings(runs: Sequence[Run], effects: Sequence[Effect]) -> list[str]:
    """Small effects between guests that were booted once: each boot lays its memory out anew."""
    if all(run.manifest.environment.facts.get("lab.boots") != 1 for run in runs):
        return []
    called = (Verdict.FASTER, Verdict.SLOWER)
    small = [
        effect.label
        for effect in effects
        if effect.verdict in called and abs(math.log(effect.ratio)) < _ONE_BOOT
    ]
    if not small:
        return []
    return [
        f"may be one boot's memory layout alone: {', '.join(small)}; --boots 6 --rounds 6 tells"
    ]


def _few_rounds_warnings(matches: Sequence[Match]) -> list[str]:
    few = [match.label for match in matches if match.rounds < _FEW_ROUNDS]
    return [f"fewer than {_FEW_ROUNDS} good rounds of {', '.join(few)}"] if few else []


def _is_of_one(case: IncompleteCase) -> bool:
    """Whether only one of the Runs measured it."""
    return (case.base.outcome is CaseOutcome.MEASURED) != (case.new.outcome is CaseOutcome.MEASURED)


def _nothing_in_common(comparison: Comparison) -> NothingInCommonError:
    named = [in_words(case) for case in comparison.incomplete[:3]]
    why = f" ({', '.join(named)})" if named else ""
    error = NothingInCommonError(
        f"{comparison.base} and {comparison.new} have no measured Case in common{why}",
        remedy="run the same plan for both, with `loadstone show` to see what each one measured",
    )
    error.comparison = comparison
    error.exit_code = unmeasured_code(comparison)
    return error
