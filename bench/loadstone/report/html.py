"""Runs as one HTML file that needs nothing else: no network, no script."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from loadstone._version import __version__
from loadstone.analysis.summary import CaseSummary, counted_trials, summarise
from loadstone.analysis.time_base import clock_of, tag, words
from loadstone.core.histogram import merge, percentile
from loadstone.durable import write_named
from loadstone.model import Histogram, Noun, Run
from loadstone.published.figures import vs_published
from loadstone.published.posting import Posting
from loadstone.report import facts, figures
from loadstone.report.bars import BarChart, bar_chart
from loadstone.report.curves import CurveChart, curve_chart
from loadstone.report.forest import forests
from loadstone.report.hints import hints
from loadstone.report.published import PostingBlock, blocks
from loadstone.report.strips import Chart, ReportedRun, chart, overviews
from loadstone.report.timeline import Timeline, timelines

_SUFFIXES = (".html", ".htm")
_SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)
_CODE = re.compile(r"`([^`]+)`")


class Row(Noun, frozen=True, kw_only=True):
    """A line of a table, about one Case."""

    label: str
    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Overview(Noun, frozen=True, kw_only=True):
    """Runs on one axis, which they may share as they share a clock; None on real machines."""

    clock: str | None
    chart: Chart


class Section(Noun, frozen=True, kw_only=True):
    """What the report says of one Run."""

    run: Run
    series: int
    clock: str | None
    head: list[facts.NamedText]
    environment: list[facts.NamedText]
    missing_trials: int
    fastest: Row | None
    chart: Chart | None
    bars: BarChart | None
    curves: CurveChart | None
    headings: tuple[str, ...]
    rows: list[Row]
    timelines: list[Timeline]
    is_scale_shared: bool
    latencies: list[Row]
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
    entries = [_reported(run, series) for series, run in enumerate(runs)]
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
    environment.filters["code"] = _with_code
    return environment


def _visible(value: object) -> object:
    """Characters that would not show, or turn the text around them, as a replacement."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(map(_visible_character, value))


def _visible_character(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def _with_code(text: str) -> Markup:
    """What stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(_visible(text)))))


def _reported(run: Run, series: int) -> ReportedRun:
    return ReportedRun(run=run, series=series, cases=tuple(figures.measured(run, summarise(run))))


def _section(entry: ReportedRun, postings: Sequence[Posting]) -> Section:
    run, summaries = entry.run, summarise(entry.run)
    lines, is_scale_shared = timelines(entry)
    counters, still_counters = figures.counters(entry.cases)
    return Section(
        run=run,
        series=entry.series,
        clock=facts.clock_line(run),
        head=facts.head(run),
        environment=facts.environment(run),
        missing_trials=facts.missing_trials(run),
        fastest=_fastest(entry),
        chart=chart(entry),
        bars=bar_chart(entry),
        curves=curve_chart(entry),
        headings=figures.headings(run) if entry.cases else (),
        rows=[_row(run, summary) for summary in entry.cases],
        timelines=lines,
        is_scale_shared=is_scale_shared,
        latencies=[row for summary in entry.cases for row in _latencies(run, summary)],
        counters=counters,
        still_counters=still_counters,
        troubles=facts.troubles(run),
        vs_published=blocks(run, vs_published(run, postings)),
        hints=hints(run, summaries),
    )


def _row(run: Run, summary: CaseSummary) -> Row:
    return Row(
        label=summary.case.label,
        cells=figures.cells(run, summary),
        notes=figures.notes(summary),
    )


def _fastest(entry: ReportedRun) -> Row | None:
    """The fastest Case, its figure, and as notes those whose intervals overlap with it."""
    if not entry.cases or not figures.is_ranked(entry.run):
        return None
    return Row(
        label=entry.cases[0].case.label,
        cells=(figures.headline(entry.run, entry.cases[0]),),
        notes=figures.rivals(entry.run, entry.cases),
    )


def _latencies(run: Run, summary: CaseSummary) -> Iterator[Row]:
    """The percentiles of every sort of operation, over all Trials that count."""
    by_name: dict[str, list[Histogram]] = {}
    for trial in counted_trials(run)[summary.case.id]:
        for histogram in trial.histograms:
            by_name.setdefault(histogram.name, []).append(histogram)
    for name, histograms in by_name.items():
        merged = merge(histograms)
        if merged and merged.count:
            times = (_time_text(percentile(merged, share)) for share in _SHARES)
            yield Row(
                label=summary.case.label,
                cells=(name, f"{merged.count:,}", *times),
            )


def _time_text(value_ns: int | None) -> str:
    """In µs, to about the three digits that a histogram keeps."""
    if value_ns is None:
        return "–"
    value = value_ns / 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
