"""What a directory would take, for a terminal."""

from rich.console import Console
from rich.markup import escape

from loadstone.layout.layouts import AlgorithmLayouts
from loadstone.layout.survey import LayoutSummary
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
from loadstone.report.table import Kind, TableColumn, print_table, print_wrapped

_SPARES = {"image": 3, "to f2fs 16KiB": 1, "sequential": 2}


def print_layouts(summary: LayoutSummary, out: Console) -> None:
    """The tables of what was found, one algorithm after the other."""
    print_wrapped(out, head_line(summary))
    for one in summary.algorithms:
        out.print()
        _print_algorithm(one, out)
    if summary.algorithms:
        print_wrapped(out, published_line())
        for line in meaning_lines():
            print_wrapped(out, line, 0, 2)
    out.print()
    _print_inline(summary, out)
    for note in notes(summary):
        out.print(f"[yellow]note:[/] {escape(note)}")


def _print_algorithm(one: AlgorithmLayouts, out: Console) -> None:
    columns = [TableColumn(heading=one.algorithm, kind=Kind.NAME)]
    columns += [TableColumn(heading=name, spare=_SPARES.get(name, 0)) for name in HEADINGS]
    rows = [(layout.name, *layout_cells(layout)) for layout in one.layouts]
    print_table(out, columns, rows)
    print_wrapped(out, node_line(one), 0, 2)


def _print_inline(summary: LayoutSummary, out: Console) -> None:
    name, *figures, base = ("F2FS, uncompressed", *INLINE_HEADINGS)
    columns = [TableColumn(heading=name, kind=Kind.NAME)]
    columns += [TableColumn(heading=heading) for heading in figures]
    columns.append(TableColumn(heading=base, kind=Kind.REMARK))
    print_table(out, columns, list(inline_rows(summary.inline)))
    print_wrapped(out, inline_line(), 0, 2)
