"""What was seen of live processes, for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from loadstone.pages import talk
from loadstone.pages.summary import AlgorithmFigures, Figures, PagesSummary
from loadstone.report.process_pages.rows import (
    MISSING,
    decile_rows,
    figure_cells,
    figure_headings,
    head_line,
    headline,
    kind_name,
    notes,
    percent,
    threshold_line,
    zram_line,
)
from loadstone.report.table import Kind, TableColumn, print_table, print_wrapped
from loadstone.text import printable

_KINDS_SHOWN = 12
_PROCESSES_SHOWN = 40


def print_pages(summary: PagesSummary, out: Console) -> None:
    """The tables of what was found, one algorithm after the other."""
    first = summary.algorithms[0]
    print_wrapped(out, printable(head_line(summary, first)))
    print_wrapped(out, threshold_line(summary))
    if len(first.processes) > 1:
        out.print()
        _print_processes(summary, first, out)
    out.print()
    _print_kinds(summary, first, out)
    if figures := first.own or first.shared:
        out.print()
        _print_deciles(figures, out)
    out.print()
    _print_what_if(summary, out)
    for one in summary.algorithms:
        if one.zram:
            print_wrapped(out, zram_line(one.zram, summary), 0, 2)
    for note in notes(summary, first):
        out.print(f"[yellow]note:[/] {escape(printable(note))}")


def _columns(summary: PagesSummary, name: str) -> Sequence[TableColumn]:
    """The ZHP of the headline is shown always."""
    spares = {"seen %": 3, "same %": 4, "swapped": 1}
    for place, threshold in enumerate(summary.thresholds):
        spares[f"ZHP ≥{threshold.bytes} %"] = 0 if place == headline(summary) else 2
    headings = figure_headings(summary)
    figures = [TableColumn(heading=heading, spare=spares.get(heading, 0)) for heading in headings]
    return (TableColumn(heading=name, kind=Kind.NAME), *figures)


def _print_processes(summary: PagesSummary, algorithm: AlgorithmFigures, out: Console) -> None:
    ordered = sorted(algorithm.processes, key=lambda process: -process.pages)
    rows = [
        (printable(f"{one.name} ({one.pid})"), *figure_cells(summary, one, one.figures))
        for one in ordered[:_PROCESSES_SHOWN]
    ]
    rows.append(("all together", *figure_cells(summary, ordered, algorithm.own)))
    print_table(out, _columns(summary, "process"), rows)
    if len(ordered) > _PROCESSES_SHOWN:
        out.print(f"{len(ordered) - _PROCESSES_SHOWN} smaller ones are in --json and --csv")


def _print_kinds(summary: PagesSummary, one: AlgorithmFigures, out: Console) -> None:
    own = [kind for kind in one.kinds if not kind.is_shared]
    shared = [kind for kind in one.kinds if kind.is_shared and kind.pages + kind.swapped]
    shown = [*own[:_KINDS_SHOWN], *shared[:_KINDS_SHOWN]]
    rows = [
        (printable(kind_name(kind)), *figure_cells(summary, kind, kind.figures)) for kind in shown
    ]
    if len(one.processes) == 1:
        process = one.processes[0]
        rows.append(("all that is not shared", *figure_cells(summary, process, one.own)))
    print_table(out, _columns(summary, "kind of memory"), rows)
    if (more := len(own) + len(shared) - len(shown)) > 0:
        out.print(f"{more} smaller kinds are in --json and --csv")


def _print_deciles(figures: Figures, out: Console) -> None:
    columns = (
        TableColumn(heading="compressed to", kind=Kind.WORD),
        TableColumn(heading="pages %"),
        TableColumn(heading="talk %"),
        TableColumn(heading="bytes %"),
        TableColumn(heading="talk %"),
        TableColumn(heading="µs a page", spare=1),
    )
    rows = [
        (
            row.name,
            f"{row.pages:.2f}",
            f"{row.talk_pages:.2f}",
            f"{row.bytes:.2f}",
            f"{row.talk_bytes:.2f}",
            MISSING if row.compress_us is None else f"{row.compress_us:.2f}",
        )
        for row in decile_rows(figures)
    ]
    rows += [
        (
            f"ZHP ≥{huge.threshold_bytes}",
            percent(huge.share.share),
            f"{talk.HUGE_PAGE_PERCENT:.2f}",
            percent(huge.byte_share),
            f"{talk.HUGE_BYTE_PERCENT:.2f}",
            "",
        )
        for huge in figures.huge
    ]
    rows.append(
        (
            "half a page or more",
            percent(figures.half.share),
            f"{talk.HALF_PAGE_PERCENT:.2f}",
            percent(figures.half_byte_share),
            f"{talk.HALF_BYTE_PERCENT:.2f}",
            "",
        )
    )
    print_table(out, columns, rows)
    print_wrapped(out, f"talk: {talk.WHERE}; same-filled pages are below 10 %, with no bytes")


def _print_what_if(summary: PagesSummary, out: Console) -> None:
    columns = (
        TableColumn(heading="algorithm", kind=Kind.WORD),
        TableColumn(heading="ratio"),
        TableColumn(heading="all pages MB/s"),
        TableColumn(heading="ZSP only MB/s"),
        TableColumn(heading="ZHP skipped MB/s"),
    )
    rows = []
    for one in summary.algorithms:
        if (figures := one.own or one.shared) is None:
            continue
        huge = figures.huge[headline(summary)]
        speed = huge.saved_bytes_per_second
        rows.append(
            (
                one.algorithm,
                f"{huge.ratio:.3f}",
                f"{speed.all_pages / 1e6:.0f}",
                _with_gain(speed.small_first, speed.all_pages),
                _with_gain(speed.huge_skipped, speed.all_pages),
            )
        )
    out.print("saved-size speed, by the time that this processor took to compress:")
    print_table(out, columns, rows)


def _with_gain(speed: float, base: float) -> str:
    return f"{speed / 1e6:.0f} ({speed / base - 1:+.1%})" if base else MISSING
