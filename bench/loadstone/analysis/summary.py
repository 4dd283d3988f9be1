"""The figures of a Run, Case by Case: medians, intervals, and what went wrong."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from loadstone.analysis.stats import Interval, median_interval
from loadstone.analysis.stopping import confidence_of
from loadstone.model import Better, Case, Metric, Noun, Run, Status, Trial
from loadstone.result_names import RELEASE_SPAN


class CaseSummary(Noun, frozen=True, kw_only=True):
    """The figures of one Case over its Trials.

    ``trials`` counts those that all figures are of: ok and no warm-up. ``invalid`` leaves
    warm-ups out too; ``failed`` does not, as wrong data is wrong in a warm-up. ``busy_ns`` is
    the median of the sum of a Trial's spans but ``release``: divided by elapsed time it is how
    many ran at once.
    """

    case: Case
    trials: int
    invalid: int
    failed: int
    skipped: str | None
    remedy: str | None
    reasons: tuple[str, ...]
    metrics: Mapping[str, Interval]
    evidence: Mapping[str, float]
    notes: tuple[str, ...]
    busy_ns: float | None


def counted_trials(run: Run) -> Mapping[str, tuple[Trial, ...]]:
    """The Trials that count, ok and no warm-up, by Case id; every Case of the Plan has a key."""
    return {
        id_: tuple(trial for trial in trials if trial.status is Status.OK and not trial.warmup)
        for id_, trials in _by_case(run).items()
    }


def summarise(run: Run) -> tuple[CaseSummary, ...]:
    """Every Case of a Run in figures.

    Returns:
        Best first by the Run's primary metric, then the Cases without figures in the Plan's
        order. Of a race those that entered it.
    """
    counted, every = counted_trials(run), _by_case(run)
    is_race = run.manifest.plan.race is not None
    cases = (
        _summary(run, case, counted[case.id], every[case.id])
        for case in run.manifest.plan.cases
        if every[case.id] or not is_race
    )
    primary = next(iter(run.manifest.metrics), None)
    return tuple(sorted(cases, key=lambda summary: _place(summary, primary)))


def _by_case(run: Run) -> dict[str, list[Trial]]:
    """All Trials by Case id; every Case of the Plan has a key."""
    trials: dict[str, list[Trial]] = {case.id: [] for case in run.manifest.plan.cases}
    for trial in run.trials:
        if trial.case in trials:
            trials[trial.case].append(trial)
    return trials


def _summary(
    run: Run, case: Case, counted: tuple[Trial, ...], trials: Sequence[Trial]
) -> CaseSummary:
    skip = next((trial for trial in trials if trial.status is Status.SKIPPED), None)
    failed = [trial for trial in trials if trial.status is Status.FAILED]
    invalid = [trial for trial in trials if trial.status is Status.INVALID and not trial.warmup]
    return CaseSummary(
        case=case,
        trials=len(counted),
        invalid=len(invalid),
        failed=len(failed),
        skipped=None if skip is None else skip.reason or "no reason given",
        remedy=None if skip is None else skip.remedy,
        reasons=_distinct(trial.reason for trial in failed + invalid if trial.reason),
        metrics=_intervals(counted, run.manifest.metrics, confidence_of(run.manifest.plan)),
        evidence=evidence_medians(counted),
        notes=_distinct(note for trial in trials if not trial.warmup for note in trial.notes),
        busy_ns=_busy_ns(counted),
    )


def _intervals(
    counted: tuple[Trial, ...], metrics: tuple[Metric, ...], confidence: float
) -> dict[str, Interval]:
    columns = {
        metric.name: [
            trial.metrics[metric.name] for trial in counted if metric.name in trial.metrics
        ]
        for metric in metrics
    }
    return {name: median_interval(values, confidence) for name, values in columns.items() if values}


def evidence_medians(trials: Iterable[Trial]) -> dict[str, float]:
    """The median of every counter, over those of the Trials that could read it."""
    columns: dict[str, list[float]] = {}
    for trial in trials:
        for name, value in trial.evidence.items():
            columns.setdefault(name, []).append(value)
    return {name: median(values) for name, values in columns.items()}


def _busy_ns(counted: tuple[Trial, ...]) -> float | None:
    sums = [
        sum(span.end_ns - span.start_ns for span in trial.spans if span.name != RELEASE_SPAN)
        for trial in counted
        if trial.spans
    ]
    return float(median(sums)) if sums else None


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _place(summary: CaseSummary, primary: Metric | None) -> float:
    """A key that sorts best first and Cases without figures last."""
    if primary is None or primary.name not in summary.metrics:
        return math.inf
    figure = summary.metrics[primary.name].median
    return figure if primary.better is Better.LOWER else -figure
