"""Tables at every width: no name and no figure is cut, and what is left out is named."""

import io
import itertools
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from loadstone.report.table import (
    Kind,
    Layout,
    Row,
    TableColumn,
    fit,
    print_table,
    print_wrapped,
    row_lines,
)

COLUMNS = (
    TableColumn(heading="case", kind=Kind.NAME),
    TableColumn(heading="GB/s"),
    TableColumn(heading="95 % interval"),
    TableColumn(heading="left in cache", spare=3),
    TableColumn(heading="CPU s/GB", spare=2),
    TableColumn(heading="trials", spare=1),
    TableColumn(heading="verdict", kind=Kind.WORDS),
    TableColumn(heading="notes", kind=Kind.REMARK),
)
LONG = "/dev/mapper/" + "x0123456789" * 9
NAMES = ("a", "uring direct → memfd-hugetlb 1MiB×8 32 buffers overlap 32MiB", LONG, "模型" * 30)
ROWS = [
    (name, "1234.567", "1234.567 – 2345.678", "64 MiB", "0.168", str(number), words, notes)
    for number, (name, words, notes) in enumerate(
        zip(NAMES, itertools.cycle(("same", "inconclusive (45 rounds would do)")), NAMES[::-1])
    )
]
WIDTHS = (10, 20, 40, 60, 80, 120, 200, 400)


def squeezed(text: str) -> str:
    """Without the blanks and breaks that wrapping makes and takes."""
    return re.sub(r"\s+", "", text)


def printed(width: int, rows: list[Row] = ROWS) -> str:  # type: ignore[assignment]  # tuples of text
    stream = io.StringIO()
    print_table(Console(file=stream, width=width, height=25), COLUMNS, rows)
    return stream.getvalue()


def cells_side_by_side(layout: Layout, row: Row) -> list[str]:
    """What of each column stands in a row's lines, joined again."""
    count = len(layout.beneath)
    bare = Layout(columns=layout.columns, width=layout.width, widths=layout.widths)
    lines = [line.plain for line in row_lines(bare, row)]
    found = []
    start = 0
    for width in layout.widths.values():
        found.append("".join(_between(line, start, start + width) for line in lines))
        start += width + 2
    assert count + len(found) + len(layout.left_out) == len(layout.columns)
    return found


def _between(line: str, start: int, end: int) -> str:
    """The characters in some cells of a terminal, of which some characters take two."""
    ends = list(itertools.accumulate(cell_len(char) for char in line))
    return "".join(char for char, at in zip(line, ends, strict=True) if start < at <= end)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    assert max(map(cell_len, printed(width).splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_every_name_and_figure_is_whole_or_its_column_is_named_as_left_out(width: int) -> None:
    layout = fit(COLUMNS, ROWS, width)
    said = squeezed(printed(width))
    for place in layout.left_out:
        assert squeezed(f"{COLUMNS[place].heading}") in said.partition("leftoutforwantofroom:")[2]
    for row in ROWS:
        if not layout.widths:
            assert all(squeezed(cell) in said for cell in row)
            continue
        shown = map(squeezed, cells_side_by_side(layout, row))
        assert list(shown) == [squeezed(row[place]) for place in layout.widths]
        assert all(squeezed(row[place]) in said for place in layout.beneath)


def test_figures_are_never_wrapped() -> None:
    for width in WIDTHS[2:]:
        lines = printed(width).splitlines()
        assert sum("1234.567 – 2345.678" in line for line in lines) == len(ROWS), width


def test_the_least_telling_columns_go_first_and_the_telling_ones_never() -> None:
    seen = [fit(COLUMNS, ROWS, width).left_out for width in range(400, 30, -1)]
    assert set(seen) == {(), (3,), (3, 4), (3, 4, 5)}
    assert fit(COLUMNS, ROWS, 40).widths == {}


def test_a_remark_moves_beneath_its_row_before_a_column_is_left_out() -> None:
    layouts = [fit(COLUMNS, ROWS, width) for width in range(40, 400)]
    assert all(one.beneath for one in layouts if one.left_out)
    assert not layouts[-1].beneath


def test_a_table_with_room_has_a_line_a_row_and_says_nothing_of_columns() -> None:
    lines = printed(400).splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert lines == [line.rstrip() for line in lines]


def test_one_column_left_out_is_said_of_one() -> None:
    columns = (TableColumn(heading="a", kind=Kind.NAME), TableColumn(heading="b", spare=1))
    stream = io.StringIO()
    out = Console(file=stream, width=50, height=25)
    print_table(out, columns, [["x" * 30, "y" * 30]], others_in="--all")
    assert squeezed(stream.getvalue()).endswith(
        squeezed("1 column left out for want of room: b; a wider terminal or --all has it")
    )


def test_markup_in_a_cell_is_text() -> None:
    stream = io.StringIO()
    print_table(
        Console(file=stream, width=80, height=25), [TableColumn(heading="[b]a")], [["[/] [red]x"]]
    )
    assert stream.getvalue().split() == ["[b]a", "[/]", "[red]x"]


@pytest.mark.parametrize("width", [1, 3, 7])
def test_a_terminal_too_narrow_to_indent_still_has_every_character(width: int) -> None:
    stream = io.StringIO()
    print_wrapped(Console(file=stream, width=width, height=25), "one two", 4, 6)
    assert squeezed(stream.getvalue()) == "onetwo"
