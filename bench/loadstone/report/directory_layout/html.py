"""What a directory would take, as one HTML file that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from loadstone._version import __version__
from loadstone.layout.layouts import AlgorithmLayouts, Layout
from loadstone.layout.survey import LayoutSummary
from loadstone.model import Noun
from loadstone.report.directory_layout.rows import (
    HEADINGS,
    INLINE_HEADINGS,
    head_line,
    inline_line,
    inline_rows,
    layout_cells,
    meaning_lines,
    node_line,
    notes,
    published_line,
)
from loadstone.report.html import ShownPicture, shown, template, write_page
from loadstone.report.pictures.drawing import Bar, BarPanel, BarRow, Drawing
from loadstone.report.scale import axis_to


class LayoutSection(Noun, frozen=True, kw_only=True):
    """What one algorithm made of the files."""

    title: str
    picture: ShownPicture | None
    rows: tuple[tuple[str, ...], ...]
    nodes: str


def write_layouts(summary: LayoutSummary, path: Path) -> None:
    """Write the report; an earlier one of that name is replaced as a whole.

    Raises:
        UsageError: something that is no report has that name.
        RunError: the file cannot be written.
    """
    write_page(render_layouts(summary), path)


def render_layouts(summary: LayoutSummary) -> str:
    """The report as the text of an HTML file."""
    return template("layout.html.j2").render(
        summary=summary,
        head=head_line(summary),
        sections=[_section(one) for one in summary.algorithms],
        headings=HEADINGS,
        inline_headings=INLINE_HEADINGS,
        inline=list(inline_rows(summary.inline)),
        inline_line=inline_line(),
        published=published_line(),
        meaning=list(meaning_lines()),
        notes=list(notes(summary)),
        version=__version__,
    )


def _section(one: AlgorithmLayouts) -> LayoutSection:
    return LayoutSection(
        title=one.algorithm,
        picture=shown(_drawing(one.algorithm, one.layouts)),
        rows=tuple((layout.name, *layout_cells(layout)) for layout in one.layouts),
        nodes=node_line(one),
    )


def _drawing(title: str, layouts: Sequence[Layout]) -> Drawing:
    return Drawing(
        name="layouts",
        title=f"Layouts by {title}",
        about="",
        panels=(
            _panel("stored, % of data", layouts, [100 * one.ratio for one in layouts], ".1f"),
            _panel(
                "random 4 KiB: read ÷ asked",
                layouts,
                [one.random_amplification for one in layouts],
                ".2f",
            ),
        ),
    )


def _panel(
    heading: str, layouts: Sequence[Layout], values: Sequence[float | None], form: str
) -> BarPanel:
    """A figure of each layout, on an axis of its own."""
    return BarPanel(
        heading=heading,
        x=axis_to(max(value or 0.0 for value in values), "count"),
        rows=tuple(
            BarRow(label=layout.name, bars=(_bar(layout.name, heading, value, form),))
            for layout, value in zip(layouts, values, strict=True)
        ),
    )


def _bar(name: str, heading: str, value: float | None, form: str) -> Bar:
    text = "unknown" if value is None else format(value, form)
    return Bar(series=0, value=value, text=text, title=f"{name}: {heading} {text}")
