"""Cases as bars, a row for each value of a parameter."""

from collections.abc import Mapping, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import AxisColumn, Picture
from loadstone.report.bars import bar_text
from loadstone.report.pictures.drawing import Bar, BarPanel, BarRow, Drawing
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


def row_drawing(chosen: Workload, picture: Picture, cases: Sequence[CaseSummary]) -> Drawing | None:
    """The picture of some Cases; None of fewer than two rows."""
    members, keys = members_of(chosen, picture, cases, None)
    rows: dict[str, list[Member]] = {}
    for member in sorted(members, key=lambda one: one.series):
        rows.setdefault(str(member.axes[picture.x.name]), []).append(member)
    panels = [
        _bar_panel(column, rows)
        for column in picture.y
        if any(known_figure(one.summary, column.name) is not None for one in members)
    ]
    return drawing_of(picture, panels, keys, shading(None, cases)) if len(rows) > 1 else None


def _bar_panel(column: AxisColumn, rows: Mapping[str, Sequence[Member]]) -> BarPanel:
    summaries = [one.summary for group in rows.values() for one in group]
    axis = axis_of(summaries, column, may_be_log=False)
    return BarPanel(
        heading=panel_heading(column, axis, ""),
        x=axis,
        rows=tuple(
            BarRow(label=label, bars=tuple(_bar(one, column) for one in group))
            for label, group in rows.items()
        ),
    )


def _bar(member: Member, column: AxisColumn) -> Bar:
    value = known_figure(member.summary, column.name)
    text = bar_text(value, column.unit)
    return Bar(
        series=member.series,
        value=value,
        text=text.removesuffix(f" {column.unit}"),
        title=f"{member.summary.case.label}: {column.heading} {text}",
        ends=ends_of(member.summary, column.name),
    )
