"""Curves side by side: how a Trial of each Case went, by the series that its Workload names."""

from collections.abc import Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import Column, Noun, Trial
from loadstone.report.bars import bar_text
from loadstone.report.hints import primary
from loadstone.report.strips import ReportedRun
from loadstone.report.timeline import most_median
from loadstone.workloads import workloads

_TOP = 4.0


class Curve(Noun, frozen=True, kw_only=True):
    """One series: ``points`` are those of an SVG polyline, in percent of width and height."""

    points: str
    text: str


class CurveColumn(Noun, frozen=True, kw_only=True):
    """One figure of all Cases, in their order, on one scale; None where a Case has none."""

    heading: str
    curves: tuple[Curve | None, ...]


class CurveChart(Noun, frozen=True, kw_only=True):
    """The Cases of a Run, best first, and columns of curves beside them.

    ``timed_from`` is in percent of the width.
    """

    labels: tuple[str, ...]
    columns: tuple[CurveColumn, ...]
    about: str
    timed_from: float


def curve_chart(entry: ReportedRun) -> CurveChart | None:
    """The picture that the Run's Workload names; None where it names none, or no Trial has one."""
    chosen = workloads().get(entry.run.manifest.plan.workload)
    if chosen is None or chosen.curves is None:
        return None
    trials = [shown_trial(entry, summary) for summary in entry.cases]
    if not any(trial and trial.series for trial in trials):
        return None
    return CurveChart(
        labels=tuple(summary.case.label for summary in entry.cases),
        columns=tuple(_column(column, trials) for column in chosen.curves.columns),
        about=chosen.curves.about,
        timed_from=100 * chosen.curves.timed_from,
    )


def shown_trial(entry: ReportedRun, summary: CaseSummary) -> Trial | None:
    """The Trial that stands for a Case: the one nearest to its median."""
    interval = primary(entry.run, summary)
    assert interval is not None
    trials = entry.counted[summary.case.id]
    return most_median(trials, entry.run.manifest.metrics[0], interval.median)


def _column(column: Column, trials: Sequence[Trial | None]) -> CurveColumn:
    series = [trial.series.get(column.name, ()) if trial else () for trial in trials]
    largest = max((max(values) for values in series if values), default=0.0) or 1.0
    return CurveColumn(
        heading=column.heading,
        curves=tuple(_curve(values, largest, column.unit) for values in series),
    )


def _curve(values: Sequence[float], largest: float, unit: str) -> Curve | None:
    if not values:
        return None
    width = 100 / len(values)
    points = (
        f"{(place + 0.5) * width:.2f},{100 - (100 - _TOP) * value / largest:.2f}"
        for place, value in enumerate(values)
    )
    low, high = (bar_text(value, unit) for value in (min(values), max(values)))
    return Curve(points=" ".join(points), text=low if low == high else f"{low} to {high}")
