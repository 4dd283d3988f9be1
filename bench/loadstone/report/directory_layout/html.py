"""What a directory would take, as one HTML file that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from loadstone._version import __version__
from loadstone.layout.layouts import AlgorithmLayouts, Layout
from loadstone.layout.survey import LayoutSummary
from loadstone.model import Noun
from loadstone.report.bars import BarChart, BarColumn, bar_column
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
from loadstone.report.html import template, write_page


class LayoutSection(Noun, frozen=True, kw_only=True):
    """What one algorithm made of the files."""

    title: str
    chart: BarChart
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
        chart=_chart(one.layouts),
        rows=tuple((layout.name, *layout_cells(layout)) for layout in one.layouts),
        nodes=node_line(one),
    )


def _chart(layouts: Sequence[Layout]) -> BarChart:
    return BarChart(
        labels=tuple(layout.name for layout in layouts),
        columns=(
            _column("stored, % of data", [100 * layout.ratio for layout in layouts], ".1f"),
            _column(
                "random 4 KiB, read ÷ asked",
                [layout.random_amplification for layout in layouts],
                ".2f",
            ),
        ),
    )


def _column(heading: str, values: Sequence[float | None], form: str) -> BarColumn:
    texts = ("unknown" if value is None else format(value, form) for value in values)
    return bar_column(heading, list(zip(values, texts, strict=True)))
