"""The Cases of a picture: which line or colour each has, its figures, and the axes for them."""

from collections.abc import Mapping, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import AxisColumn, Noun, Picture, Value
from loadstone.report.figures import figure_of, has_interval
from loadstone.report.pictures.drawing import Drawing, Key, Panel, heading_of
from loadstone.report.pictures.grouping import axes_of, distinguishing, values_of, words_of
from loadstone.report.pictures.shades import Shading
from loadstone.report.scale import Axis, axis_to, log_axis, spans_decade
from loadstone.workloads import Workload

MARGIN = 1.06
_WHISKERS = "Whiskers: 95 % intervals of the medians."


class Member(Noun, frozen=True, kw_only=True):
    """A Case in a picture; ``series`` is the place of its line or colour."""

    summary: CaseSummary
    axes: Mapping[str, Value]
    facet: str
    series: int


def members_of(
    chosen: Workload,
    picture: Picture,
    cases: Sequence[CaseSummary],
    groups: Sequence[str] | None,
) -> tuple[list[Member], list[Key]]:
    """The Cases with their series, and a key for each of those.

    Args:
        groups: the parameters that make a series; None for all in which Cases differ.
    """
    axes = [axes_of(summary) for summary in cases]
    facets = () if picture.facet is None else (picture.facet,)
    left_out = {picture.x.name, *facets}
    if groups is not None:
        left_out |= {name for one in axes for name in one} - set(groups)
    names = distinguishing(axes, left_out, facets)
    series = list(dict.fromkeys(values_of(one, names) for one in axes))
    words = {values_of(one, names): words_of(chosen, one, names) for one in axes}
    members = [
        Member(
            summary=summary,
            axes=one,
            facet=words_of(chosen, one, facets),
            series=series.index(values_of(one, names)),
        )
        for summary, one in zip(cases, axes, strict=True)
    ]
    keys = [Key(text=words[values], series=place) for place, values in enumerate(series)]
    return members, keys


def drawing_of(
    picture: Picture, panels: Sequence[Panel], keys: Sequence[Key], shades: Shading
) -> Drawing | None:
    """The panels with their legend; None of none."""
    if not panels:
        return None
    shown = [*(keys if len(keys) > 1 else ()), *shades.keys]
    return Drawing(
        name="picture",
        title=picture.title,
        about=_WHISKERS,
        panels=tuple(panels),
        keys=tuple(shown),
        keys_heading=shades.heading if len(keys) < 2 else "",
    )


def known_figure(summary: CaseSummary, name: str) -> float | None:
    """A figure; what could not be counted is below zero."""
    value = figure_of(summary, name)
    return None if value is None or value < 0 else value


def ends_of(summary: CaseSummary, name: str) -> tuple[float, float] | None:
    """The ends of a figure\'s interval, where there are rounds enough for one."""
    interval = summary.metrics.get(name)
    if interval is None or not has_interval(summary):
        return None
    return interval.low, interval.high


def axis_of(cases: Sequence[CaseSummary], column: AxisColumn, *, may_be_log: bool = True) -> Axis:
    """An axis from zero, or a logarithmic one, that holds a figure of all these Cases."""
    values = [value for one in cases if (value := known_figure(one, column.name)) is not None]
    # Intervals of very few values reach far out; the points are to stay readable.
    high = min(max([*values, *_highs(cases, column)]), 1.5 * max(values))
    if may_be_log and column.is_log and spans_decade(values):
        return log_axis(min(values), high, column.unit)
    return axis_to(MARGIN * high, column.unit)


def _highs(cases: Sequence[CaseSummary], column: AxisColumn) -> list[float]:
    return [ends[1] for one in cases if (ends := ends_of(one, column.name))]


def panel_heading(column: AxisColumn, axis: Axis, facet: str) -> str:
    """What stands above a panel."""
    return f"{facet}: {heading_of(column, axis)}" if facet else heading_of(column, axis)
