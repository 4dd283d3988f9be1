"""Cases as points between two figures, in groups by their parameters."""

from collections.abc import Iterator, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import AxisColumn, Picture
from loadstone.report.bars import bar_text
from loadstone.report.pictures.drawing import Drawing, Line, Mark, XYPanel, heading_of
from loadstone.report.pictures.grouping import distinguishing, numeric, words_of
from loadstone.report.pictures.members import (
    Member,
    axis_of,
    drawing_of,
    ends_of,
    known_figure,
    members_of,
    panel_heading,
)
from loadstone.report.pictures.shades import shading
from loadstone.workloads import Workload


def point_drawing(
    chosen: Workload, picture: Picture, cases: Sequence[CaseSummary]
) -> Drawing | None:
    """The picture of some Cases; None of fewer than two points."""
    (column, *_) = picture.y
    known = [
        one
        for one in cases
        if None not in (known_figure(one, picture.x.name), known_figure(one, column.name))
    ]
    if len(known) < 2:
        return None
    members, keys = members_of(chosen, picture, known, picture.groups)
    x_axis, y_axis = (axis_of(known, one) for one in (picture.x, column))
    told = (*picture.groups, *filter(None, [picture.facet]))
    others = distinguishing([one.axes for one in members], given=told)
    panels = [
        XYPanel(
            heading=panel_heading(column, y_axis, facet),
            x_heading=heading_of(picture.x, x_axis),
            x=x_axis,
            y=y_axis,
            lines=tuple(_point_lines(chosen, picture, column, of_facet, others)),
        )
        for facet in dict.fromkeys(one.facet for one in members)
        if (of_facet := [one for one in members if one.facet == facet])
    ]
    return drawing_of(picture, panels, keys, shading(None, known))


def _point_lines(
    chosen: Workload,
    picture: Picture,
    column: AxisColumn,
    members: Sequence[Member],
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
    member: Member,
    names: Sequence[str],
) -> Mark:
    summary = member.summary
    x, y = (known_figure(summary, one.name) for one in (picture.x, column))
    assert x is not None and y is not None  # one thing: the point is known
    return Mark(
        x=x,
        y=y,
        x_ends=ends_of(summary, picture.x.name),
        y_ends=ends_of(summary, column.name),
        label=" ".join(_named_words(chosen, member, names)),
        title=f"{summary.case.label}: {picture.x.heading} {bar_text(x, picture.x.unit)}, "
        f"{column.heading} {bar_text(y, column.unit)}",
    )


def _named_words(chosen: Workload, member: Member, names: Sequence[str]) -> Iterator[str]:
    """The values that its label has, too: others have no meaning with the rest of the Case."""
    for name in names:
        value = words_of(chosen, member.axes, [name]).removeprefix(f"{name} ")
        if value in member.summary.case.label:
            yield value
