"""The picture that a Workload names, made of a Run's Cases: lines, bars or points."""

from collections.abc import Iterator, Mapping, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import AxisColumn, Noun, Picture, Run, Value
from loadstone.report.bars import bar_text
from loadstone.report.figures import figure_of, has_interval
from loadstone.report.pictures.drawing import (
    Bar,
    BarPanel,
    BarRow,
    Drawing,
    Key,
    Line,
    Mark,
    Panel,
    XYPanel,
    heading_of,
)
from loadstone.report.pictures.grouping import (
    axes_of,
    distinguishing,
    numeric,
    values_of,
    words_of,
)
from loadstone.report.pictures.shades import Shading, shading
from loadstone.report.scale import Axis, axis_to, log_axis, spans_decade
from loadstone.report.strips import ReportedRun
from loadstone.workloads import Workload, workloads

_MARGIN = 1.06
# Of more values of a parameter round ones are marked, instead of each.
_MOST_TICKS = 16
_WHISKERS = "Whiskers: 95 % intervals of the medians."


class _Member(Noun, frozen=True, kw_only=True):
    """A Case in a picture; ``series`` is the place of its line or colour."""

    summary: CaseSummary
    axes: Mapping[str, Value]
    facet: str
    series: int


def case_drawing(entry: ReportedRun) -> Drawing | None:
    """The picture that the Run's Workload names; None where it names none, or lacks figures."""
    chosen = workloads().get(entry.run.manifest.plan.workload)
    if chosen is None or chosen.picture is None or not entry.cases:
        return None
    picture, places = chosen.picture, _places(entry.run)
    cases = sorted(entry.cases, key=lambda summary: places[summary.case.id])
    if picture.x.name not in {one.name for one in chosen.parameters}:
        return _points(chosen, picture, cases)
    if numeric(chosen, picture.x.name):
        return _lines(chosen, picture, cases)
    return _bars(chosen, picture, cases)


def _places(run: Run) -> Mapping[str, int]:
    return {case.id: place for place, case in enumerate(run.manifest.plan.cases)}


def _lines(chosen: Workload, picture: Picture, cases: Sequence[CaseSummary]) -> Drawing | None:
    members, keys = _members(chosen, picture, cases, None)
    counts = [sum(one.series == key.series for one in members) for key in keys]
    if max(counts, default=0) < 2:
        return None
    shades = shading(picture.colour, cases)
    panels = [
        _line_panel(picture, y, shades, [one for one in members if one.facet == facet], facet)
        for y in picture.y
        for facet in dict.fromkeys(one.facet for one in members)
    ]
    return _drawing(picture, [one for one in panels if one], keys, shades)


def _line_panel(
    picture: Picture, column: AxisColumn, shades: Shading, members: Sequence[_Member], facet: str
) -> XYPanel | None:
    known = [one for one in members if _known(one.summary, column.name) is not None]
    if not known:
        return None
    xs = sorted({float(one.axes[picture.x.name]) for one in known})
    y = _axis([one.summary for one in known], column)
    x = (
        log_axis(xs[0], xs[-1], picture.x.unit)
        if _is_log(picture.x, xs)
        else _linear(xs, picture.x)
    )
    lines = [
        Line(
            series=series,
            marks=tuple(
                _mark(one, float(one.axes[picture.x.name]), column, shades)
                for one in sorted(known, key=lambda one: float(one.axes[picture.x.name]))
                if one.series == series
            ),
        )
        for series in dict.fromkeys(one.series for one in known)
    ]
    return XYPanel(
        heading=_heading(column, y, facet),
        x_heading=picture.x.heading,
        x=x.with_ticks(xs, picture.x.unit) if len(xs) <= _MOST_TICKS else x,
        y=y,
        lines=tuple(lines),
    )


def _mark(member: _Member, x: float, column: AxisColumn, shades: Shading) -> Mark:
    summary = member.summary
    y = _known(summary, column.name)
    assert y is not None
    return Mark(
        x=x,
        y=y,
        y_ends=_ends(summary, column.name),
        title=f"{summary.case.label}: {column.heading} {bar_text(y, column.unit)}"
        + shades.words(summary),
        label=shades.text(summary),
        shade=shades.of(summary),
    )


def _points(chosen: Workload, picture: Picture, cases: Sequence[CaseSummary]) -> Drawing | None:
    (column, *_) = picture.y
    known = [
        one for one in cases if None not in (_known(one, picture.x.name), _known(one, column.name))
    ]
    if len(known) < 2:
        return None
    members, keys = _members(chosen, picture, known, picture.groups)
    x_axis, y_axis = (_axis(known, one) for one in (picture.x, column))
    told = (*picture.groups, *filter(None, [picture.facet]))
    others = distinguishing([one.axes for one in members], given=told)
    panels = [
        XYPanel(
            heading=_heading(column, y_axis, facet),
            x_heading=heading_of(picture.x, x_axis),
            x=x_axis,
            y=y_axis,
            lines=tuple(_point_lines(chosen, picture, column, of_facet, others)),
        )
        for facet in dict.fromkeys(one.facet for one in members)
        if (of_facet := [one for one in members if one.facet == facet])
    ]
    return _drawing(picture, panels, keys, shading(None, known))


def _point_lines(
    chosen: Workload,
    picture: Picture,
    column: AxisColumn,
    members: Sequence[_Member],
    others: Sequence[str],
) -> Iterator[Line]:
    """A line for each group; joined where its points differ in one parameter with numbers."""
    for series in dict.fromkeys(one.series for one in members):
        group = [one for one in members if one.series == series]
        names = distinguishing([one.axes for one in group])
        is_joined = len(names) == 1 and numeric(chosen, names[0])
        if is_joined:
            group.sort(key=lambda one: float(one.axes[names[0]]))
        yield Line(
            series=series,
            marks=tuple(_point(chosen, picture, column, one, others) for one in group),
            is_joined=is_joined,
        )


def _point(
    chosen: Workload,
    picture: Picture,
    column: AxisColumn,
    member: _Member,
    names: Sequence[str],
) -> Mark:
    summary = member.summary
    x, y = (_known(summary, one.name) for one in (picture.x, column))
    assert x is not None and y is not None  # one thing: the point is known
    return Mark(
        x=x,
        y=y,
        x_ends=_ends(summary, picture.x.name),
        y_ends=_ends(summary, column.name),
        label=" ".join(_named_words(chosen, member, names)),
        title=f"{summary.case.label}: {picture.x.heading} {bar_text(x, picture.x.unit)}, "
        f"{column.heading} {bar_text(y, column.unit)}",
    )


def _named_words(chosen: Workload, member: _Member, names: Sequence[str]) -> Iterator[str]:
    """The values that its label has, too: others have no meaning with the rest of the Case."""
    for name in names:
        value = words_of(chosen, member.axes, [name]).removeprefix(f"{name} ")
        if value in member.summary.case.label:
            yield value


def _bars(chosen: Workload, picture: Picture, cases: Sequence[CaseSummary]) -> Drawing | None:
    members, keys = _members(chosen, picture, cases, None)
    rows: dict[str, list[_Member]] = {}
    for member in sorted(members, key=lambda one: one.series):
        rows.setdefault(str(member.axes[picture.x.name]), []).append(member)
    panels = [
        _bar_panel(column, rows)
        for column in picture.y
        if any(_known(one.summary, column.name) is not None for one in members)
    ]
    return _drawing(picture, panels, keys, shading(None, cases)) if len(rows) > 1 else None


def _bar_panel(column: AxisColumn, rows: Mapping[str, Sequence[_Member]]) -> BarPanel:
    summaries = [one.summary for group in rows.values() for one in group]
    axis = _axis(summaries, column, may_be_log=False)
    return BarPanel(
        heading=_heading(column, axis, ""),
        x=axis,
        rows=tuple(
            BarRow(label=label, bars=tuple(_bar(one, column) for one in group))
            for label, group in rows.items()
        ),
    )


def _bar(member: _Member, column: AxisColumn) -> Bar:
    value = _known(member.summary, column.name)
    text = bar_text(value, column.unit)
    return Bar(
        series=member.series,
        value=value,
        text=text.removesuffix(f" {column.unit}"),
        title=f"{member.summary.case.label}: {column.heading} {text}",
        ends=_ends(member.summary, column.name),
    )


def _members(
    chosen: Workload,
    picture: Picture,
    cases: Sequence[CaseSummary],
    groups: Sequence[str] | None,
) -> tuple[list[_Member], list[Key]]:
    """The Cases with their series, and a key for each of those; without groups all that differ."""
    axes = [axes_of(summary) for summary in cases]
    facets = () if picture.facet is None else (picture.facet,)
    left_out = {picture.x.name, *facets}
    if groups is not None:
        left_out |= {name for one in axes for name in one} - set(groups)
    names = distinguishing(axes, left_out, facets)
    series = list(dict.fromkeys(values_of(one, names) for one in axes))
    words = {values_of(one, names): words_of(chosen, one, names) for one in axes}
    members = [
        _Member(
            summary=summary,
            axes=one,
            facet=words_of(chosen, one, facets),
            series=series.index(values_of(one, names)),
        )
        for summary, one in zip(cases, axes, strict=True)
    ]
    keys = [Key(text=words[values], series=place) for place, values in enumerate(series)]
    return members, keys


def _drawing(
    picture: Picture, panels: Sequence[Panel], keys: Sequence[Key], shades: Shading
) -> Drawing | None:
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


def _known(summary: CaseSummary, name: str) -> float | None:
    """A figure; what could not be counted is below zero."""
    value = figure_of(summary, name)
    return None if value is None or value < 0 else value


def _ends(summary: CaseSummary, name: str) -> tuple[float, float] | None:
    interval = summary.metrics.get(name)
    if interval is None or not has_interval(summary):
        return None
    return interval.low, interval.high


def _axis(cases: Sequence[CaseSummary], column: AxisColumn, *, may_be_log: bool = True) -> Axis:
    values = [value for one in cases if (value := _known(one, column.name)) is not None]
    # Intervals of very few values reach far out; the points are to stay readable.
    high = min(max([*values, *_highs(cases, column)]), 1.5 * max(values))
    if may_be_log and column.is_log and spans_decade(values):
        return log_axis(min(values), high, column.unit)
    return axis_to(_MARGIN * high, column.unit)


def _highs(cases: Sequence[CaseSummary], column: AxisColumn) -> list[float]:
    return [ends[1] for one in cases if (ends := _ends(one, column.name))]


def _is_log(column: AxisColumn, values: Sequence[float]) -> bool:
    return column.is_log and values[0] > 0 and values[-1] > values[0]


def _linear(values: Sequence[float], column: AxisColumn) -> Axis:
    return axis_to(_MARGIN * max(values), column.unit)


def _heading(column: AxisColumn, axis: Axis, facet: str) -> str:
    return f"{facet}: {heading_of(column, axis)}" if facet else heading_of(column, axis)
