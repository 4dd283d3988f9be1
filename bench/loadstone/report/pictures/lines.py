"""Cases as lines over a parameter with numbers: those that differ in nothing else are one."""

from collections.abc import Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import AxisColumn, Picture
from loadstone.report.bars import bar_text
from loadstone.report.pictures.drawing import Drawing, Line, Mark, XYPanel
from loadstone.report.pictures.members import (
    MARGIN,
    Member,
    axis_of,
    drawing_of,
    ends_of,
    known_figure,
    members_of,
    panel_heading,
)
from loadstone.report.pictures.shades import Shading, shading
from loadstone.report.scale import Axis, axis_to, log_axis
from loadstone.workloads import Workload

# Of more values of a parameter round ones are marked, instead of each.
_MOST_TICKS = 16


def line_drawing(
    chosen: Workload, picture: Picture, cases: Sequence[CaseSummary]
) -> Drawing | None:
    """The picture of some Cases; None where no line has two points."""
    members, keys = members_of(chosen, picture, cases, None)
    counts = [sum(one.series == key.series for one in members) for key in keys]
    if max(counts, default=0) < 2:
        return None
    shades = shading(picture.colour, cases)
    panels = [
        _line_panel(picture, y, shades, [one for one in members if one.facet == facet], facet)
        for y in picture.y
        for facet in dict.fromkeys(one.facet for one in members)
    ]
    return drawing_of(picture, [one for one in panels if one], keys, shades)


def _line_panel(
    picture: Picture, column: AxisColumn, shades: Shading, members: Sequence[Member], facet: str
) -> XYPanel | None:
    known = [one for one in members if known_figure(one.summary, column.name) is not None]
    if not known:
        return None
    xs = sorted({float(one.axes[picture.x.name]) for one in known})
    y = axis_of([one.summary for one in known], column)
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
        heading=panel_heading(column, y, facet),
        x_heading=picture.x.heading,
        x=x.with_ticks(xs, picture.x.unit) if len(xs) <= _MOST_TICKS else x,
        y=y,
        lines=tuple(lines),
    )


def _mark(member: Member, x: float, column: AxisColumn, shades: Shading) -> Mark:
    summary = member.summary
    y = known_figure(summary, column.name)
    assert y is not None
    return Mark(
        x=x,
        y=y,
        y_ends=ends_of(summary, column.name),
        title=f"{summary.case.label}: {column.heading} {bar_text(y, column.unit)}"
        + shades.words(summary),
        label=shades.text(summary),
        shade=shades.of(summary),
    )


def _is_log(column: AxisColumn, values: Sequence[float]) -> bool:
    return column.is_log and values[0] > 0 and values[-1] > values[0]


def _linear(values: Sequence[float], column: AxisColumn) -> Axis:
    return axis_to(MARGIN * max(values), column.unit)
