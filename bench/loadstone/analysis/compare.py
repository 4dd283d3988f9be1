"""Compares two Runs: what changed, by how much, and whether that is significant."""

import math
from collections.abc import Sequence
from statistics import median

from loadstone.analysis.chronology import order_warnings
from loadstone.analysis.comparability import common_clock, fact_warnings, kernel_of
from loadstone.analysis.comparison import (
    CaseOutcome,
    Comparison,
    Design,
    Effect,
    IncompleteCase,
    Verdict,
)
from loadstone.analysis.controls import MachineChange, has_controls, machine_change
from loadstone.analysis.coverage import in_words
from loadstone.analysis.effects import (
    ALPHA,
    Foreign,
    common_metric,
    effects_of,
    few_rounds_warnings,
)
from loadstone.analysis.exit_codes import unmeasured_code
from loadstone.analysis.pairing import is_interleaved, match_cases, order_unknown_warnings
from loadstone.analysis.stats import Interval, Trend
from loadstone.analysis.stats import drift as trend_of
from loadstone.analysis.stopping import confidence_of
from loadstone.analysis.summary import counted_trials
from loadstone.analysis.thresholds import DEFAULT, Thresholds, thresholds_of
from loadstone.errors import CannotMeasureError
from loadstone.model import Clock, Metric, Run

_DRIFT_SUSPECTED = 0.1
# Two boots of one kernel may differ by this much.
_ONE_BOOT = 0.02


class NothingInCommonError(CannotMeasureError):
    """No Case was measured in both Runs; ``comparison`` has what came of each."""

    comparison: Comparison


def compare(
    base: Run, new: Run, threshold: float | Thresholds = DEFAULT, metric_name: str | None = None
) -> Comparison:
    """Compare NEW with BASE, Case by Case, on one metric.

    Figures of different clocks have no common unit, so such Runs are not compared at all.
    Cases are matched by id, or by label where the Runs share none. Runs that were interleaved
    round by round are paired. A difference is called where the test, corrected for the
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
    thresholds = thresholds_of(threshold)
    clock = common_clock(base, new)
    metric = common_metric((base, new), metric_name)
    is_paired = is_interleaved(base, new)
    matches, troubled = match_cases(base, new, metric, is_paired)
    drifts = [_drift(run, metric) for run in (base, new)] if matches else []
    drifted = sum(abs(trend.change) for trend in drifts if trend.p < _DRIFT_SUSPECTED)
    machine = MachineChange() if is_paired else machine_change(base, new, metric)
    drift = Foreign(-drifted, drifted)
    shift = Foreign(machine.low, machine.high)
    confidence = max(confidence_of(run.manifest.plan) for run in (base, new))
    effects = effects_of(matches, metric, thresholds, confidence, drift, shift)
    comparison = Comparison(
        base=base.id,
        new=new.id,
        effects=effects,
        unmatched=tuple(in_words(case) for case in troubled if _is_of_one(case)),
        warnings=(
            *order_warnings(base, new),
            *order_unknown_warnings(base, new),
            *fact_warnings(base, new),
            *few_rounds_warnings(matches),
            *_drift_warnings(drifts, _withheld(effects, drift)),
            *_machine_warnings(machine, _withheld(effects, shift)),
            *([] if is_paired else _control_warnings(base, new, clock)),
            *_boot_warnings((base, new), effects),
        ),
        clock=clock,
        base_kernel=kernel_of(base),
        new_kernel=kernel_of(new),
        incomplete=tuple(troubled),
        design=Design.INTERLEAVED_RUNS if is_paired else Design.ONE_AGAINST_ONE,
        controls=machine.controls,
    )
    if not matches:
        raise _nothing_in_common(comparison)
    return comparison


def _drift(run: Run, metric: Metric) -> Trend:
    """How the logarithm of all Cases' figures, taken together, moved over a Run's rounds."""
    shares: dict[int, list[float]] = {}
    for trials in counted_trials(run).values():
        figures = {one.round: one.metrics.get(metric.name, 0.0) for one in trials}
        positive = {number: figure for number, figure in figures.items() if figure > 0}
        for number, figure in positive.items():
            shares.setdefault(number, []).append(figure / median(positive.values()))
    return trend_of([math.log(median(shares[number])) for number in sorted(shares)])


def _drift_warnings(drifts: Sequence[Trend], withheld: Sequence[str]) -> list[str]:
    """Runs that drifted, and effects that are significant but within the drift."""
    moved = [
        f"{name} drifted by {math.expm1(trend.change):+.1%} from its first round to its last"
        for name, trend in zip(("BASE", "NEW"), drifts, strict=False)
        if trend.p < ALPHA
    ]
    if not withheld:
        return moved
    return [
        *moved,
        f"not called, as drift within the Runs could explain it: {', '.join(withheld)}; "
        "let the target settle, or interleave the Runs",
    ]


def _machine_warnings(machine: MachineChange, withheld: Sequence[str]) -> list[str]:
    """That the machine changed, and effects that are significant but could be its doing."""
    if not machine.seen:
        return []
    words = ", ".join(control.words for control in machine.seen)
    moved = f"the machine changed between these Runs: {words}"
    if not withheld:
        return [moved]
    return [
        moved,
        f"not called, as the machine could explain it: {', '.join(withheld)}; measure both in one "
        "Run (--knob, or loadstone ab), or several Runs of each by lot",
    ]


def _withheld(effects: Sequence[Effect], foreign: Foreign) -> list[str]:
    """The labels of effects that are significant, and not beyond what is foreign."""
    return [
        effect.label
        for effect in effects
        if effect.verdict is Verdict.INCONCLUSIVE
        and effect.p < ALPHA
        and not effect.low <= 1 <= effect.high
        and not foreign.is_beyond(Interval(effect.ratio, effect.low, effect.high))
    ]


def _control_warnings(base: Run, new: Run, clock: Clock | None) -> list[str]:
    """That nothing is known of the machine, of Runs from before there were controls."""
    without = [name for name, run in (("BASE", base), ("NEW", new)) if not has_controls(run)]
    if clock is not None or not without:
        return []
    are_imported = any(run.manifest.environment.is_imported for run in (base, new))
    why = "another program measured" if are_imported else "an older loadstone made no such"
    return [
        f"{' and '.join(without)} {'has' if len(without) == 1 else 'have'} no controls, as {why}: "
        "a step of the machine between the Runs would be called a change"
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
