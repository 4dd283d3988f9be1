"""Runs and Comparisons for programs: what ``--json`` prints.

The structs are what is encoded and what ``loadstone schema`` describes. Keys stay as they are;
a new one goes to the end.
"""

import math
from collections.abc import Mapping, Sequence

from loadstone.analysis.comparison import CaseState, Comparison, Design, Effect, Verdict
from loadstone.analysis.controls import ControlChange
from loadstone.analysis.stats import Interval
from loadstone.analysis.stopping import Ending, Stop, stop_of
from loadstone.analysis.summary import CaseSummary, summarise
from loadstone.analysis.time_base import ClockJson, clock_json, clock_of
from loadstone.doctor.probes import Check
from loadstone.model import Better, Metric, Noun, Run, Value
from loadstone.published.changes import PublishedByLabel, PublishedChange
from loadstone.published.posting import Direction, Quantity


class MetricJson(Noun, frozen=True, kw_only=True):
    """A metric of a Case: its median, and the 95 % interval of that from low to high."""

    unit: str
    better: Better
    median: float
    low: float
    high: float


class CaseJson(Noun, frozen=True, kw_only=True):
    """A Case of a Run in figures; ``skipped`` is the reason, where it was.

    ``parameters`` has its knobs, too, as ``knob.NAME``.
    """

    id: str
    label: str
    workload: str
    parameters: Mapping[str, Value]
    trials: int
    invalid: int
    failed: int
    skipped: str | None
    metrics: Mapping[str, MetricJson]
    evidence: Mapping[str, float]


class PrecisionJson(Noun, frozen=True, kw_only=True):
    """How far the farther end of a Case's interval is from its median, as a share of that.

    Of a pair, from its ratio; ``width`` is null where too few ``rounds`` tell.
    """

    label: str
    rounds: int
    width: float | None
    is_narrow: bool


class UntilJson(Noun, frozen=True, kw_only=True):
    """The rule by which rounds were added to a Run, and how it ended.

    ``rounds`` were made, of ``most_rounds`` at most. ``ending`` is ``narrow``, ``rounds`` where
    there may be no more, or ``early`` where the limit of time was reached or it was cut off.
    """

    within: float
    limit_s: float | None
    most_rounds: int
    rounds: int
    ending: Ending
    cases: tuple[PrecisionJson, ...]


class RunJson(Noun, frozen=True, kw_only=True):
    """A Run, its Cases best first; ``clock`` is null on a real machine.

    ``until`` is null but where rounds were added by such a rule.
    """

    run: str
    path: str
    clock: ClockJson | None
    cases: tuple[CaseJson, ...]
    until: UntilJson | None = None


class PublishedJson(Noun, frozen=True, kw_only=True):
    """A published change of a Case; ``ratio`` is above 1 where it is an improvement."""

    key: str
    title: str
    who: str
    when: str
    where: str
    source: str
    device: str
    conditions: str
    note: str
    what: str
    metric: str
    base_is: str
    new_is: str
    base: Quantity | None
    new: Quantity | None
    ratio: float | None
    direction: Direction | None


class EffectJson(Noun, frozen=True, kw_only=True):
    """The change of a Case from BASE to NEW; ``ratio`` is above 1 where NEW is better.

    ``evidence`` has the counters that moved beyond their noise, at most three, as their medians in
    BASE and in NEW; ``cause`` what that means, if it is known.
    """

    label: str
    metric: str
    ratio: float
    low: float
    high: float
    verdict: Verdict
    rounds_needed: int | None
    evidence: Mapping[str, tuple[float, float]]
    published: tuple[PublishedJson, ...]
    cause: str | None = None


class IncompleteJson(Noun, frozen=True, kw_only=True):
    """A Case that not both Runs measured without a failed Trial, and what came of it in each.

    ``compared`` says whether it is one of ``cases`` all the same.
    """

    id: str
    label: str
    compared: bool
    base: CaseState
    new: CaseState


class ComparisonJson(Noun, frozen=True, kw_only=True):
    """Two Runs, Case by Case; ``clock`` is that of both, null on real machines.

    ``notes`` say what else differs between the Runs, and what to keep in mind. ``design`` is what
    the verdicts rest on; ``by`` the parameter whose values are compared within one Run, else null.
    ``controls`` are the machine's own changes between one Run and another, above 1 where it is
    faster in NEW.
    """

    base: str
    new: str
    clock: ClockJson | None
    cases: tuple[EffectJson, ...]
    incomplete: tuple[IncompleteJson, ...] = ()
    notes: tuple[str, ...] = ()
    design: Design = Design.ONE_AGAINST_ONE
    by: str | None = None
    controls: tuple[ControlChange, ...] = ()


class RunsJson(Noun, frozen=True, kw_only=True):
    """Runs made in one go, and each but the first compared with the first."""

    runs: tuple[RunJson, ...]
    comparisons: tuple[ComparisonJson, ...]


class LabDiagnosis(Noun, frozen=True, kw_only=True):
    """What the lab's guests need of this machine."""

    target: str
    can_boot: bool
    checks: tuple[Check, ...]


def run_json(run: Run) -> RunJson:
    """What ``run --json`` and ``show --json`` print."""
    return RunJson(
        run=run.id,
        path=str(run.path),
        clock=clock_json(clock_of(run.manifest.environment)),
        cases=tuple(_case(summary, run.manifest.metrics) for summary in summarise(run)),
        until=_until(stop_of(run)),
    )


def comparison_json(
    comparison: Comparison, published: PublishedByLabel | None = None
) -> ComparisonJson:
    """What ``compare --json`` prints."""
    return ComparisonJson(
        base=comparison.base,
        new=comparison.new,
        clock=clock_json(comparison.clock),
        cases=tuple(
            _effect(effect, (published or {}).get(effect.label, ()))
            for effect in comparison.effects
        ),
        incomplete=tuple(
            IncompleteJson(
                id=case.id,
                label=case.label,
                compared=case.is_compared,
                base=case.base,
                new=case.new,
            )
            for case in comparison.incomplete
        ),
        notes=comparison.warnings,
        design=comparison.design,
        by=comparison.by,
        controls=comparison.controls,
    )


def _until(stop: Stop | None) -> UntilJson | None:
    if stop is None:
        return None
    return UntilJson(
        within=stop.rule.within,
        limit_s=stop.rule.limit_s,
        most_rounds=stop.rule.most_rounds,
        rounds=stop.rounds,
        ending=stop.ending,
        cases=tuple(
            PrecisionJson(
                label=one.label,
                rounds=one.figures,
                width=one.width if math.isfinite(one.width) else None,
                is_narrow=one.is_within(stop.rule.within),
            )
            for one in stop.found
        ),
    )


def _case(summary: CaseSummary, metrics: Sequence[Metric]) -> CaseJson:
    return CaseJson(
        id=summary.case.id,
        label=summary.case.label,
        workload=summary.case.workload,
        parameters=summary.case.axes,
        trials=summary.trials,
        invalid=summary.invalid,
        failed=summary.failed,
        skipped=summary.skipped,
        metrics={
            metric.name: _metric(metric, summary.metrics[metric.name])
            for metric in metrics
            if metric.name in summary.metrics
        },
        evidence=summary.evidence,
    )


def _metric(metric: Metric, interval: Interval) -> MetricJson:
    return MetricJson(
        unit=metric.unit,
        better=metric.better,
        median=interval.median,
        low=interval.low,
        high=interval.high,
    )


def _effect(effect: Effect, published: Sequence[PublishedChange]) -> EffectJson:
    return EffectJson(
        label=effect.label,
        metric=effect.metric,
        ratio=effect.ratio,
        low=effect.low,
        high=effect.high,
        verdict=effect.verdict,
        rounds_needed=effect.rounds_needed,
        evidence=effect.evidence,
        published=tuple(map(_published, published)),
        cause=effect.cause,
    )


def _published(one: PublishedChange) -> PublishedJson:
    posting, change = one.posting, one.change
    return PublishedJson(
        key=posting.key,
        title=posting.title,
        who=posting.who,
        when=posting.when,
        where=posting.where,
        source=posting.source,
        device=posting.device,
        conditions=posting.conditions,
        note="; ".join(note for note in (change.note, posting.note) if note),
        what=change.what,
        metric=change.metric,
        base_is=change.base_is,
        new_is=change.new_is,
        base=change.base,
        new=change.new,
        ratio=one.ratio,
        direction=change.direction,
    )
