"""Runs as one HTML file that needs nothing else: no network, no script."""

import errno
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from loadstone import __version__
from loadstone.durable import write_atomically
from loadstone.errors import RunError, UsageError, system_words
from loadstone.latency import merge, percentile
from loadstone.model import Histogram, Noun, Run
from loadstone.report import facts, figures
from loadstone.report.hints import hints
from loadstone.report.strips import Chart, Entry, chart, overviews
from loadstone.report.timeline import Timeline, timelines
from loadstone.summary import CaseSummary, counted_trials, summarise

_SUFFIXES = (".html", ".htm")
_SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)
_CODE = re.compile(r"`([^`]+)`")


class Row(Noun, frozen=True, kw_only=True):
    """A line of a table, about one Case."""

    label: str
    cells: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Section(Noun, frozen=True, kw_only=True):
    """What the report says of one Run."""

    run: Run
    series: int
    head: list[facts.Fact]
    environment: list[facts.Fact]
    missing_trials: int
    fastest: Row | None
    chart: Chart | None
    headings: tuple[str, ...]
    rows: list[Row]
    timelines: list[Timeline]
    is_scale_shared: bool
    latencies: list[Row]
    counters: list[figures.Counter]
    still_counters: int
    troubles: list[facts.Trouble]
    hints: list[str]


def write(runs: Sequence[Run], path: Path) -> None:
    """Write the report of some Runs; an earlier report of that name is replaced as a whole.

    Raises:
        UsageError: something that is no report has that name.
        RunError: the file cannot be written.
    """
    try:
        # Through a symbolic link, as writing does that is not atomic.
        real = path.resolve()
        _check_replaceable(real)
    except (OSError, RuntimeError) as error:
        raise _cannot_write(path, error) from error
    data = render(runs).encode()
    try:
        write_atomically(real, data)
    except RunError as error:
        raise _cannot_write(path, error.__cause__ or error) from error


def render(runs: Sequence[Run]) -> str:
    """The report of one or several Runs as the text of an HTML file."""
    entries = [_entry(run, series) for series, run in enumerate(runs)]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            sections=[_section(entry) for entry in entries],
            overviews=overviews(entries),
            differences=facts.differences(runs),
            version=__version__,
        )
    )


def _check_replaceable(path: Path) -> None:
    if path.exists() and not (path.is_file() and path.suffix.lower() in _SUFFIXES):
        raise UsageError(f"{path} is there and is no report; name a file that ends in .html")
    if not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "", str(path.parent))


def _cannot_write(path: Path, cause: BaseException) -> RunError:
    words = system_words(cause.errno or 0) if isinstance(cause, OSError) else str(cause)
    return RunError(f"cannot write the report {path}: {words}; name another file with -o")


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


def _entry(run: Run, series: int) -> Entry:
    return Entry(run=run, series=series, cases=tuple(figures.measured(run, summarise(run))))


def _section(entry: Entry) -> Section:
    run, summaries = entry.run, summarise(entry.run)
    lines, is_scale_shared = timelines(entry)
    counters, still_counters = figures.counters(entry.cases)
    return Section(
        run=run,
        series=entry.series,
        head=facts.head(run),
        environment=facts.environment(run),
        missing_trials=facts.missing_trials(run),
        fastest=_fastest(entry),
        chart=chart(entry),
        headings=figures.headings(run) if entry.cases else (),
        rows=[_row(run, summary) for summary in entry.cases],
        timelines=lines,
        is_scale_shared=is_scale_shared,
        latencies=[row for summary in entry.cases for row in _latencies(run, summary)],
        counters=counters,
        still_counters=still_counters,
        troubles=facts.troubles(run),
        hints=hints(run, summaries),
    )


def _row(run: Run, summary: CaseSummary) -> Row:
    return Row(
        label=summary.case.label,
        cells=figures.cells(run, summary),
        notes=figures.notes(summary),
    )


def _fastest(entry: Entry) -> Row | None:
    """The first Case, its figure, and as notes those that can't be told from it."""
    if not entry.cases:
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
