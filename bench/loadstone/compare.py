"""Run × Run → Comparison: what changed, by how much, and whether that can be told."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from loadstone.errors import CannotMeasureError, UsageError
from loadstone.model import Better, Comparison, Effect, Metric, Noun, Run, Trial, Verdict
from loadstone.stats import Interval, Trend, drift, holm, rank_test, ratio_interval, rounds_needed
from loadstone.summary import CaseSummary, counted_trials, evidence_medians, summarise

_ALPHA = 0.05
_DRIFT_SUSPECTED = 0.1
_FEW_ROUNDS = 5
_MOVED = 0.10
_MOST_EVIDENCE = 8
_KEY_FACTS = (
    "kernel.release",
    "cpu.model",
    "cpu.governor",
    "memory.thp",
    "memory.page_reporting_order",
    "block.scheduler",
    "block.read_ahead_kb",
    "file.bytes",
    "fs.type",
)
# The Trial's own times, not what the kernel counted.
_OWN_TIMES = {"ready_ns", "first_byte_ns", "set_cache_ns", "verify_ns"}


class _Side(Noun, frozen=True, kw_only=True):
    """One Case in one Run: the Trials that count, in order of rounds, or why there are none."""

    label: str = ""
    trials: tuple[Trial, ...] = ()
    why_not: str = "not in its plan"


class _Match(Noun, frozen=True, kw_only=True):
    """One Case measured in both Runs; where paired, in the same rounds."""

    label: str
    base: tuple[Trial, ...]
    new: tuple[Trial, ...]
    is_paired: bool

    def values(self, metric: Metric) -> tuple[list[float], list[float]]:
        """The metric's figures in BASE and in NEW."""
        base, new = (
            [trial.metrics[metric.name] for trial in side] for side in (self.base, self.new)
        )
        return base, new

    @property
    def rounds(self) -> int:
        """How many rounds the side with fewer has."""
        return min(len(self.base), len(self.new))


def compare(base: Run, new: Run, threshold: float = 0.03) -> Comparison:
    """Hold NEW against BASE, Case by Case, on the workload's primary metric.

    Cases are matched by id, or by label where the Runs share none. Runs that were interleaved
    round by round are paired. A difference is called where the rank test, corrected for the
    number of Cases, and the ratio's interval both see one, and the interval lies beyond what
    unpaired Runs drifted by within themselves. Whatever else changed between two Runs made
    apart cannot be seen from inside them: only interleaving rules it out.

    Args:
        base, new: two Runs of the same workload.
        threshold: the change that still counts as the same (0.03: within 1/1.03 to 1.03).

    Raises:
        CannotMeasureError: the Runs have no measured Case or no primary metric in common.
        UsageError: the threshold is negative.
    """
    if threshold < 0:
        raise UsageError(f"a threshold of {threshold} is negative; give a share such as 0.03")
    metric = _common_metric(base, new)
    is_paired = _is_interleaved(base, new)
    matches, unmatched = _match(base, new, metric, is_paired)
    if not matches:
        raise CannotMeasureError(_nothing_comparable(base, new, unmatched))
    drifts = [_drift(run, metric) for run in (base, new)]
    drifted = sum(abs(trend.change) for trend in drifts if trend.p < _DRIFT_SUSPECTED)
    effects = tuple(_effects(matches, metric, threshold, drifted))
    return Comparison(
        base=base.id,
        new=new.id,
        effects=effects,
        unmatched=tuple(unmatched),
        warnings=(
            *_difference_warnings(base, new),
            *_few_rounds_warnings(matches),
            *_drift_warnings(drifts, effects),
        ),
    )


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The object that ``compare --json`` prints."""
    return {
        "base": comparison.base,
        "new": comparison.new,
        "cases": [
            {
                "label": effect.label,
                "metric": effect.metric,
                "ratio": effect.ratio,
                "low": effect.low,
                "high": effect.high,
                "verdict": effect.verdict.value,
                "rounds_needed": effect.rounds_needed,
                "evidence": {name: list(sides) for name, sides in effect.evidence.items()},
            }
            for effect in comparison.effects
        ],
    }


def _common_metric(base: Run, new: Run) -> Metric:
    firsts = [next(iter(run.manifest.metrics), None) for run in (base, new)]
    if firsts[0] is None or firsts[0] != firsts[1]:
        names = [f"{first.name} in {first.unit}" if first else "nothing" for first in firsts]
        raise CannotMeasureError(
            f"{base.id} measures {names[0]} and {new.id} measures {names[1]}; "
            "compare two Runs of the same workload"
        )
    return firsts[0]


def _is_interleaved(base: Run, new: Run) -> bool:
    """Whether each round of both Runs had ended, in both, before the next one started."""
    windows: dict[int, list[str]] = {}
    rounds = [{trial.round for trial in run.trials if not trial.warmup} for run in (base, new)]
    for trial in base.trials + new.trials:
        if not trial.warmup:
            windows.setdefault(trial.round, []).append(trial.started)
    in_order = [windows[number] for number in sorted(windows)]
    is_apart = all(max(before) < min(after) for before, after in pairwise(in_order))
    return rounds[0] == rounds[1] and len(in_order) > 1 and is_apart


def _match(base: Run, new: Run, metric: Metric, is_paired: bool) -> tuple[list[_Match], list[str]]:
    """Pair up the Cases that both Runs measured, and say why not where only one did."""
    ids = [{case.id for case in run.manifest.plan.cases} for run in (base, new)]
    by_id = not ids[0].isdisjoint(ids[1])
    bases, news = (_sides(run, metric, by_id) for run in (base, new))
    matches, unmatched = [], []
    for key in dict.fromkeys([*bases, *news]):
        before, after = bases.get(key, _Side()), news.get(key, _Side())
        label = before.label or after.label
        if before.trials and after.trials:
            matches.append(_aligned(label, before.trials, after.trials, is_paired))
        elif before.trials:
            unmatched.append(f"{label} (NEW: {after.why_not})")
        elif after.trials:
            unmatched.append(f"{label} (BASE: {before.why_not})")
    return matches, unmatched


def _sides(run: Run, metric: Metric, by_id: bool) -> dict[str, _Side]:
    counted = counted_trials(run)
    summaries = {summary.case.id: summary for summary in summarise(run)}
    return {
        case.id if by_id else case.label: _side(counted[case.id], summaries[case.id], metric)
        for case in run.manifest.plan.cases
    }


def _side(counted: tuple[Trial, ...], summary: CaseSummary, metric: Metric) -> _Side:
    label = summary.case.label
    trials = [trial for trial in counted if metric.name in trial.metrics]
    if any(trial.metrics[metric.name] <= 0 for trial in trials):
        return _Side(label=label, why_not=f"{metric.name} of zero has no ratio")
    if trials:
        in_order = sorted(trials, key=lambda trial: trial.round)
        return _Side(label=label, trials=tuple(in_order))
    if summary.skipped is not None:
        return _Side(label=label, why_not=f"skipped, {summary.skipped}")
    return _Side(label=label, why_not="; ".join(("no good trial", *summary.reasons)))


def _aligned(
    label: str, base: tuple[Trial, ...], new: tuple[Trial, ...], is_paired: bool
) -> _Match:
    """Pair by the rounds that were good on both sides; without any, there are no pairs."""
    both = {trial.round for trial in base} & {trial.round for trial in new}
    if not is_paired or not both:
        return _Match(label=label, base=base, new=new, is_paired=False)
    base, new = (tuple(trial for trial in side if trial.round in both) for side in (base, new))
    return _Match(label=label, base=base, new=new, is_paired=True)


def _effects(
    matches: Sequence[_Match], metric: Metric, threshold: float, drifted: float
) -> list[Effect]:
    p_values = [rank_test(*match.values(metric), match.is_paired) for match in matches]
    return [
        _effect(match, metric, threshold, p=p, drifted=drifted, comparisons=len(matches))
        for match, p in zip(matches, holm(p_values), strict=True)
    ]


def _effect(
    match: _Match, metric: Metric, threshold: float, p: float, drifted: float, comparisons: int
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
    """A Run that drifted, and the effects that are seen but not clear of the drift."""
    moved = [
        f"{name} drifted by {math.expm1(trend.change):+.1%} from its first round to its last"
        for name, trend in zip(("BASE", "NEW"), drifts, strict=True)
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


def _few_rounds_warnings(matches: Sequence[_Match]) -> list[str]:
    few = [match.label for match in matches if match.rounds < _FEW_ROUNDS]
    return [f"fewer than {_FEW_ROUNDS} good rounds of {', '.join(few)}"] if few else []


def _difference_warnings(base: Run, new: Run) -> list[str]:
    """What differs between the Runs besides their figures; a fact one lacks is no difference."""
    before, after = (_identity(run) for run in (base, new))
    return [
        f"{name}: {value} in BASE, {after[name]} in NEW"
        for name, value in before.items()
        if None not in (value, after[name]) and value != after[name]
    ]


def _identity(run: Run) -> dict[str, object]:
    manifest = run.manifest
    return {
        "file": manifest.plan.subject.file,
        "size_bytes": manifest.plan.subject.size_bytes,
        "target": manifest.environment.target,
        "loadstone": manifest.loadstone,
        "core": manifest.core,
        **{name: manifest.environment.facts.get(name) for name in _KEY_FACTS},
    }


def _nothing_comparable(base: Run, new: Run, unmatched: Sequence[str]) -> str:
    why = f" ({', '.join(unmatched[:3])})" if unmatched else ""
    return (
        f"{base.id} and {new.id} have no measured Case in common{why}; "
        "run the same plan for both, with `loadstone show` to see what each one measured"
    )
