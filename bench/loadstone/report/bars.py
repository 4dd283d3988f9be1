"""Bars side by side: the figures of each Case that its Workload wants seen together."""

from collections.abc import Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import Column, Noun
from loadstone.report.figures import figure_of
from loadstone.report.scale import format_ns
from loadstone.report.strips import ReportedRun
from loadstone.units import format_bytes_rounded, format_metric
from loadstone.workloads import workloads


class Bar(Noun, frozen=True, kw_only=True):
    """A figure: ``width`` in percent of the column's largest; 0 and ``unknown`` without one."""

    width: float
    text: str


class BarColumn(Noun, frozen=True, kw_only=True):
    """One figure of all Cases, in their order."""

    heading: str
    bars: tuple[Bar, ...]


class BarChart(Noun, frozen=True, kw_only=True):
    """The Cases of a Run, best first, and columns of bars beside them."""

    labels: tuple[str, ...]
    columns: tuple[BarColumn, ...]


def bar_chart(entry: ReportedRun) -> BarChart | None:
    """The picture that the Run's Workload names; None where it names none, or has no figures."""
    chosen = workloads().get(entry.run.manifest.plan.workload)
    if chosen is None or not chosen.bars or not entry.cases:
        return None
    return BarChart(
        labels=tuple(summary.case.label for summary in entry.cases),
        columns=tuple(_column(column, entry.cases) for column in chosen.bars),
    )


def _column(column: Column, cases: Sequence[CaseSummary]) -> BarColumn:
    found = (figure_of(summary, column.name) for summary in cases)
    # What could not be counted is below zero.
    values = [None if value is None or value < 0 else value for value in found]
    largest = max(value or 0.0 for value in values) or 1.0
    bars = tuple(
        Bar(width=round(100 * (value or 0.0) / largest, 3), text=bar_text(value, column.unit))
        for value in values
    )
    return BarColumn(heading=column.heading, bars=bars)


def bar_text(value: float | None, unit: str) -> str:
    """A figure with its unit, for a picture."""
    if value is None:
        return "unknown"
    match unit:
        case "ns":
            return format_ns(value)
        case "B":
            return format_bytes_rounded(value)
        case "count":
            return format_metric(value, unit)
        case _:
            return f"{format_metric(value, unit)} {unit}"
