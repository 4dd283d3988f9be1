"""What was seen of live processes, as one HTML file that needs nothing else."""

from pathlib import Path

from loadstone._version import __version__
from loadstone.model import Noun
from loadstone.pages import talk
from loadstone.pages.summary import AlgorithmFigures, Figures, PagesSummary
from loadstone.report.html import template, write_page
from loadstone.report.process_pages.rows import (
    decile_rows,
    figure_cells,
    figure_headings,
    head_line,
    headline,
    kind_name,
    notes,
    threshold_line,
    zram_line,
)

_MARGIN = 1.05


class Bar(Noun, frozen=True, kw_only=True):
    """A decile's two bars: here and in the talk, in percent of the chart's height."""

    name: str
    here: float
    here_text: str
    talk: float
    talk_text: str


class DecileChart(Noun, frozen=True, kw_only=True):
    """The picture of one distribution."""

    title: str
    bars: tuple[Bar, ...]


class FiguresRow(Noun, frozen=True, kw_only=True):
    """A line of a table."""

    name: str
    cells: tuple[str, ...]


class PagesSection(Noun, frozen=True, kw_only=True):
    """What one algorithm made of the processes."""

    title: str
    charts: tuple[DecileChart, ...]
    processes: tuple[FiguresRow, ...]
    kinds: tuple[FiguresRow, ...]
    what_if: tuple[FiguresRow, ...]
    zram: str | None
    notes: tuple[str, ...]


def write_pages(summary: PagesSummary, path: Path) -> None:
    """Write the report; an earlier one of that name is replaced as a whole.

    Raises:
        UsageError: something that is no report has that name.
        RunError: the file cannot be written.
    """
    write_page(render_pages(summary), path)


def render_pages(summary: PagesSummary) -> str:
    """The report as the text of an HTML file."""
    return template("pages.html.j2").render(
        summary=summary,
        sections=[_section(summary, one) for one in summary.algorithms],
        thresholds=threshold_line(summary),
        headings=figure_headings(summary),
        talk=talk.WHERE,
        version=__version__,
    )


def _section(summary: PagesSummary, one: AlgorithmFigures) -> PagesSection:
    figures = one.own or one.shared
    processes = sorted(one.processes, key=lambda process: -process.pages)
    return PagesSection(
        title=head_line(summary, one),
        charts=_charts(figures) if figures else (),
        processes=tuple(
            FiguresRow(
                name=f"{process.name} ({process.pid})",
                cells=figure_cells(summary, process, process.figures),
            )
            for process in processes
        ),
        kinds=tuple(
            FiguresRow(name=kind_name(kind), cells=figure_cells(summary, kind, kind.figures))
            for kind in one.kinds
        ),
        what_if=_what_if(summary, figures) if figures else (),
        zram=zram_line(one.zram, summary) if one.zram else None,
        notes=tuple(notes(summary, one)),
    )


def _charts(figures: Figures) -> tuple[DecileChart, ...]:
    rows = decile_rows(figures)
    return (
        _chart("pages", [(row.name, row.pages, row.talk_pages) for row in rows]),
        _chart("compressed bytes", [(row.name, row.bytes, row.talk_bytes) for row in rows]),
    )


def _chart(of: str, rows: list[tuple[str, float, float]]) -> DecileChart:
    highest = _MARGIN * max(max(here, there) for _, here, there in rows)
    return DecileChart(
        title=f"share of {of} by what a page compresses to, in %",
        bars=tuple(
            Bar(
                name=name,
                here=round(100 * here / highest, 2),
                here_text=f"{here:.2f}",
                talk=round(100 * there / highest, 2),
                talk_text=f"{there:.2f}",
            )
            for name, here, there in rows
        ),
    )


def _what_if(summary: PagesSummary, figures: Figures) -> tuple[FiguresRow, ...]:
    speed = figures.huge[headline(summary)].saved_bytes_per_second
    rows = (
        ("all pages", speed.all_pages),
        ("ZSP only, so taken first", speed.small_first),
        ("ZHP skipped", speed.huge_skipped),
    )
    base = speed.all_pages or 1.0
    return tuple(
        FiguresRow(name=name, cells=(f"{value / 1e6:.0f}", f"{value / base - 1:+.1%}"))
        for name, value in rows
    )
