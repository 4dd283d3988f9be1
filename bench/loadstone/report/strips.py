"""A strip for every Case: each round a dot, the median a bar, its interval a whisker."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from loadstone.analysis.summary import CaseSummary, counted_trials, summarise
from loadstone.model import Metric, Noun, Run, Trial
from loadstone.report.figures import bounds, measured, unit_of
from loadstone.report.hints import primary
from loadstone.report.scale import Axis, axis_to
from loadstone.units import format_metric

_TOP_PX, _BOTTOM_PX = 5.0, 27.0
# Intervals of very few values reach far out; the dots are to stay readable.
_MOST_BEYOND_DOTS = 1.5
_MARGIN = 1.02


class Dot(Noun, frozen=True, kw_only=True):
    """One round: ``x`` in percent by its figure, ``y`` in px by its place in time."""

    x: float
    y: float


class Strip(Noun, frozen=True, kw_only=True):
    """One Case of one Run; positions are in percent of the axis.

    ``series`` is the Run's place in the report. ``is_cut`` says that the interval ends beyond
    the axis.
    """

    label: str
    series: int
    dots: tuple[Dot, ...]
    median: float
    low: float
    high: float
    is_cut: bool
    median_text: str
    bounds_text: str
    rounds_text: str


class StripGroup(Noun, frozen=True, kw_only=True):
    """Strips that belong together: one Case's, where several Runs stand side by side."""

    label: str
    strips: tuple[Strip, ...]


class Chart(Noun, frozen=True, kw_only=True):
    """Strips of one metric on one axis."""

    metric: Metric
    unit: str
    axis: Axis
    groups: tuple[StripGroup, ...]


class ReportedRun(Noun, frozen=True, kw_only=True):
    """A Run in a report: ``series`` is its place there, ``cases`` those that have figures.

    ``counted`` are the Trials that those are of, by Case id, and ``summaries`` all Cases.
    """

    run: Run
    series: int
    cases: tuple[CaseSummary, ...]
    counted: Mapping[str, tuple[Trial, ...]]
    summaries: tuple[CaseSummary, ...]


def reported(run: Run, series: int = 0) -> ReportedRun:
    """A Run, summarised once for all that is drawn of it."""
    summaries = summarise(run)
    return ReportedRun(
        run=run,
        series=series,
        cases=tuple(measured(run, summaries)),
        counted=counted_trials(run),
        summaries=summaries,
    )


def chart(entry: ReportedRun) -> Chart | None:
    """The Cases of one Run, best first; None where none has figures."""
    return _chart([entry]) if entry.cases else None


def overviews(entries: Sequence[ReportedRun]) -> list[Chart]:
    """The Cases that several Runs have in common, side by side: a Chart for every metric."""
    by_metric: dict[Metric, list[ReportedRun]] = {}
    for entry in entries:
        if entry.cases:
            by_metric.setdefault(entry.run.manifest.metrics[0], []).append(entry)
    common = (_in_common(group) for group in by_metric.values())
    return [_chart(group) for group in common if group]


def _in_common(entries: Sequence[ReportedRun]) -> list[ReportedRun]:
    """The Runs with those of their Cases that another one has too."""
    counts = Counter(summary.case.id for entry in entries for summary in entry.cases)
    kept = (
        msgspec.structs.replace(
            entry,
            cases=tuple(summary for summary in entry.cases if counts[summary.case.id] > 1),
        )
        for entry in entries
    )
    return [entry for entry in kept if entry.cases]


def _chart(entries: Sequence[ReportedRun]) -> Chart:
    metric = entries[0].run.manifest.metrics[0]
    axis = _axis(entries, metric)
    labels: dict[str, str] = {}
    strips: dict[str, list[Strip]] = {}
    for entry in entries:
        for summary in entry.cases:
            labels.setdefault(summary.case.id, summary.case.label)
            strips.setdefault(summary.case.id, []).append(_strip(entry, summary, axis))
    groups = tuple(StripGroup(label=labels[id_], strips=tuple(strips[id_])) for id_ in strips)
    return Chart(metric=metric, unit=unit_of(metric), axis=axis, groups=groups)


def _axis(entries: Sequence[ReportedRun], metric: Metric) -> Axis:
    cases = [(entry, summary) for entry in entries for summary in entry.cases]
    figures = [figure for entry, summary in cases for figure in _figures(entry, summary)]
    highs = [one.high for entry, summary in cases if (one := primary(entry.run, summary))]
    return axis_to(_MARGIN * min(max(highs), _MOST_BEYOND_DOTS * max(figures)), metric.unit)


def _figures(entry: ReportedRun, summary: CaseSummary) -> list[float]:
    """The primary metric of every Trial that counts, in the order of rounds."""
    name = entry.run.manifest.metrics[0].name
    trials = sorted(entry.counted[summary.case.id], key=lambda trial: trial.round)
    return [trial.metrics[name] for trial in trials if name in trial.metrics]


def _strip(entry: ReportedRun, summary: CaseSummary, axis: Axis) -> Strip:
    metric, interval = entry.run.manifest.metrics[0], primary(entry.run, summary)
    assert interval is not None
    figures = _figures(entry, summary)
    step_px = (_BOTTOM_PX - _TOP_PX) / len(figures)
    return Strip(
        label=summary.case.label,
        series=entry.series,
        dots=tuple(
            Dot(x=axis.at(figure), y=round(_TOP_PX + step_px * (place + 0.5), 2))
            for place, figure in enumerate(figures)
        ),
        median=axis.at(interval.median),
        low=axis.at(interval.low),
        high=axis.at(interval.high),
        is_cut=interval.high > axis.end,
        median_text=format_metric(interval.median, metric.unit),
        bounds_text=bounds(interval, metric),
        rounds_text=", ".join(format_metric(figure, metric.unit) for figure in figures),
    )
