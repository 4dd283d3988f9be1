"""Runs as one HTML file that needs nothing else: no network, no script."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from loadstone._version import __version__
from loadstone.analysis.advice import advice_of
from loadstone.analysis.summary import CaseSummary
from loadstone.analysis.time_base import clock_of, tag, words
from loadstone.core.histogram import percentile
from loadstone.durable import write_named
from loadstone.model import Histogram, Noun, Run
from loadstone.published.figures import vs_published
from loadstone.published.posting import Posting
from loadstone.report import facts, figures
from loadstone.report.advice import advice_lines
from loadstone.report.bars import BarChart, bar_chart
from loadstone.report.curves import CurveChart, curve_chart
from loadstone.report.escaping import visible, with_code
from loadstone.report.forest import forests
from loadstone.report.hints import hints
from loadstone.report.pictures import merged_latencies
from loadstone.report.pictures.course import course_drawing
from loadstone.report.pictures.drawing import Drawing
from loadstone.report.pictures.latencies import latency_drawing
from loadstone.report.pictures.layout import NARROW_PX, WIDE_PX, svg_of
from loadstone.report.pictures.of_cases import case_drawing
from loadstone.report.published import PostingBlock, blocks
from loadstone.report.strips import Chart, ReportedRun, chart, overviews, reported
from loadstone.report.timeline import Timeline, timelines

_SUFFIXES = (".html", ".htm")
MOST_DRAWN = 50
"""Of how many Cases time lines, distributions and evidence are shown: the best."""

# More curves cannot be told apart on common axes.
_MOST_ON_COMMON_AXES = 8
_SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)


class Row(Noun, frozen=True, kw_only=True):
    """A line of a table, about one Case."""

    label: str
    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Overview(Noun, frozen=True, kw_only=True):
    """Runs on one axis, which they may share as they share a clock; None on real machines."""

    clock: str | None
    chart: Chart


class ShownPicture(Noun, frozen=True, kw_only=True):
    """A picture with its words: drawn for a wide page, and for a phone."""

    title: str
    about: str
    wide: str
    narrow: str


class Section(Noun, frozen=True, kw_only=True):
    """What the report says of one Run."""

    run: Run
    series: int
    clock: str | None
    head: list[facts.NamedText]
    environment: list[facts.NamedText]
    missing_trials: int
    fastest: Row | None
    advice: tuple[str, ...]
    chart: Chart | None
    bars: BarChart | None
    picture: ShownPicture | None
    curves: CurveChart | None
    course: ShownPicture | None
    headings: tuple[str, ...]
    rows: list[Row]
    timelines: list[Timeline]
    is_scale_shared: bool
    left_out: int
    latencies: list[Row]
    latency_picture: ShownPicture | None
    counters: list[figures.CounterRow]
    still_counters: int
    troubles: list[facts.Trouble]
    vs_published: list[PostingBlock]
    hints: list[str]


def write(runs: Sequence[Run], path: Path, postings: Sequence[Posting] = ()) -> None:
    """Write the report of some Runs; an earlier report of that name is replaced as a whole.

    Raises:
        UsageError: something that is no report has that name, or a posting is not sound.
        RunError: the file cannot be written.
    """
    write_page(render(runs, postings), path)


def write_page(text: str, path: Path) -> None:
    """Write an HTML file; an earlier one of that name is replaced as a whole.

    Raises:
        UsageError: something that is no report has that name.
        RunError: the file cannot be written.
    """
    write_named(path, text.encode(), "report", _SUFFIXES)


def render(runs: Sequence[Run], postings: Sequence[Posting] = ()) -> str:
    """The report of one or several Runs as the text of an HTML file.

    Args:
        postings: what is published, to be shown next to its Cases.

    Raises:
        UsageError: a posting gives a figure in a unit that its metric can't have.
    """
    entries = [reported(run, series) for series, run in enumerate(runs)]
    return template("report.html.j2").render(
        sections=[_section(entry, postings) for entry in entries],
        forests=forests(runs),
        overviews=_overviews(entries),
        differences=facts.differing_facts(runs),
        uneven=facts.uneven_cases(runs),
        version=__version__,
    )


def template(name: str) -> Template:
    """A template of this package, by its file's name."""
    return _environment().get_template(name)


def _overviews(entries: Sequence[ReportedRun]) -> list[Overview]:
    """The charts of those Runs whose figures have a common unit, clock by clock."""
    by_clock: dict[str, list[ReportedRun]] = {}
    for entry in entries:
        kind = tag(clock_of(entry.run.manifest.environment))
        by_clock.setdefault(kind, []).append(entry)
    # Next to a clock of the lab, a real machine's time is named too.
    unsaid = words(None) if len(by_clock) > 1 else None
    return [
        Overview(clock=facts.clock_line(same[0].run) or unsaid, chart=shared)
        for same in by_clock.values()
        for shared in overviews(same)
    ]


@cache
def _environment() -> Environment:
    """Autoescape is on for all: every string may have come from a device."""
    environment = Environment(
        loader=PackageLoader("loadstone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    environment.filters["code"] = with_code
    return environment


def _visible(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _section(entry: ReportedRun, postings: Sequence[Posting]) -> Section:
    run, drawn = entry.run, _best(entry)
    lines, is_scale_shared = timelines(drawn)
    latencies = merged_latencies(entry)
    counters, still_counters = figures.counters(drawn.cases)
    return Section(
        run=run,
        series=entry.series,
        clock=facts.clock_line(run),
        head=facts.head(run),
        environment=facts.environment(run),
        missing_trials=facts.missing_trials(run),
        fastest=_fastest(entry),
        advice=_advice(run),
        chart=chart(entry),
        bars=bar_chart(entry),
        picture=shown(case_drawing(entry)),
        curves=curve_chart(entry) if len(entry.cases) > _MOST_ON_COMMON_AXES else None,
        course=shown(course_drawing(entry)) if len(entry.cases) <= _MOST_ON_COMMON_AXES else None,
        headings=figures.headings(run) if entry.cases else (),
        rows=[_row(run, summary) for summary in entry.cases],
        timelines=lines,
        is_scale_shared=is_scale_shared,
        left_out=len(entry.cases) - len(drawn.cases),
        latencies=[row for one in entry.cases for row in _latencies(one, latencies[one.case.id])],
        latency_picture=shown(latency_drawing(drawn.cases, latencies)),
        counters=counters,
        still_counters=still_counters,
        troubles=facts.troubles(run),
        vs_published=blocks(run, vs_published(run, postings)),
        hints=hints(run, entry.summaries),
    )


def _best(entry: ReportedRun) -> ReportedRun:
    """With no more Cases than are drawn one below the other."""
    return msgspec.structs.replace(entry, cases=entry.cases[:MOST_DRAWN])


def shown(drawing: Drawing | None) -> ShownPicture | None:
    """A picture for a page; None of none."""
    if drawing is None:
        return None
    return ShownPicture(
        title=drawing.title,
        about=drawing.about,
        wide=svg_of(drawing, WIDE_PX),
        narrow=svg_of(drawing, NARROW_PX),
    )


def _row(run: Run, summary: CaseSummary) -> Row:
    return Row(
        label=summary.case.label,
        cells=figures.cells(run, summary),
        notes=figures.notes(summary),
    )


def _fastest(entry: ReportedRun) -> Row | None:
    """The fastest Case, its figure, and as notes those whose intervals overlap with it."""
    is_race = entry.run.manifest.plan.race is not None
    if not entry.cases or is_race or not figures.is_ranked(entry.run):
        return None
    return Row(
        label=entry.cases[0].case.label,
        cells=(figures.headline(entry.run, entry.cases[0]),),
        notes=figures.rivals(entry.run, entry.cases),
    )


def _advice(run: Run) -> tuple[str, ...]:
    """What the Run of a race says; of any other nothing."""
    advice = advice_of(run)
    return tuple(text for text, _ in advice_lines(advice, has_reasons=False)) if advice else ()


def _latencies(summary: CaseSummary, merged: Mapping[str, Histogram]) -> Iterator[Row]:
    """The percentiles of every sort of operation, over all Trials that count."""
    for name, histogram in merged.items():
        times = (_time_text(percentile(histogram, share)) for share in _SHARES)
        yield Row(label=summary.case.label, cells=(name, f"{histogram.count:,}", *times))


def _time_text(value_ns: int | None) -> str:
    """In µs, to about the three digits that a histogram keeps."""
    if value_ns is None:
        return "–"
    value = value_ns / 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
