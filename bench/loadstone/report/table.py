"""Tables for a terminal of any width, in which no name and no figure is ever cut.

Where a table is too wide, headings and names are wrapped, remarks move beneath their rows, and
columns are left out, the least telling first, which is said below. Where even that is not enough,
each row becomes a block of lines, with all columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from loadstone.model import Noun

Cell = str | Text
Row = Sequence[Cell]

# Of a console it is only asked how wide a tab is.
_MEASURE = Console(width=80, height=25)
_GAP = 2
_INDENT = 4
_NARROWEST_NAME = 24
_NARROWEST_REMARK = 30


class Kind(Enum):
    """What of a column may be wrapped."""

    FIGURE = auto()
    """Nothing; it stands on the right."""
    WORD = auto()
    """Nothing; it stands on the left."""
    WORDS = auto()
    """Between words."""
    NAME = auto()
    """Between words, and within one that is longer than the column."""
    REMARK = auto()
    """Likewise; where a column of it has no room it stands beneath the row."""


class TableColumn(Noun, frozen=True, kw_only=True):
    """A column; of those whose ``spare`` is not 0 the highest is left out first."""

    heading: str = ""
    kind: Kind = Kind.FIGURE
    spare: int = 0


class Layout(Noun, frozen=True, kw_only=True):
    """How a table fits a width: columns by their place, ``widths`` of those side by side.

    Without any ``widths`` each row is a block.
    """

    columns: tuple[TableColumn, ...]
    width: int
    widths: Mapping[int, int]
    beneath: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()


def print_table(
    out: Console, columns: Sequence[TableColumn], rows: Sequence[Row], *, others_in: str = "--json"
) -> None:
    """Print a table, and which of its columns were left out.

    Args:
        others_in: the option, or what else has the columns that were left out.
    """
    layout = fit(columns, rows, out.width)
    print_lines(out, heading_lines(layout))
    print_rows(out, layout, rows)
    if layout.left_out:
        names = ", ".join(columns[place].heading for place in layout.left_out)
        count = len(layout.left_out)
        words = f"{count} column{'s' if count > 1 else ''} left out for want of room: {names}; "
        words += f"a wider terminal or {others_in} has {'them' if count > 1 else 'it'}"
        print_wrapped(out, words)


def print_rows(out: Console, layout: Layout, rows: Sequence[Row]) -> None:
    """Print some rows of a table that was fitted."""
    for row in rows:
        print_lines(out, row_lines(layout, row) if layout.widths else _block_lines(layout, row))


def print_wrapped(out: Console, text: Cell, indent: int = 0, hanging: int | None = None) -> None:
    """Print a text wrapped to the width, indented; its lines after the first by ``hanging``."""
    print_lines(out, wrapped(text, out.width, indent, hanging))


def print_lines(out: Console, lines: Iterator[Text]) -> None:
    """Print lines that fit as they are."""
    for line in lines:
        out.print(line, no_wrap=True, overflow="ignore", crop=False)


def wrapped(text: Cell, width: int, indent: int = 0, hanging: int | None = None) -> Iterator[Text]:
    """Break a text into lines between words, and within those that are longer than a line."""
    hanging = indent if hanging is None else hanging
    room = max(1, width - max(indent, hanging))
    for number, line in enumerate(_wrap(text, room)):
        whole = Text(" " * (hanging if number else indent)).append_text(line)
        whole.rstrip()
        yield whole


def fit(columns: Sequence[TableColumn], rows: Sequence[Row], width: int) -> Layout:
    """Find the layout of a table in which nothing is cut."""
    shown = {place: _measure(column, place, rows) for place, column in enumerate(columns)}
    beneath: list[int] = []
    left_out: list[int] = []
    remarks = [place for place, one in enumerate(columns) if one.kind is Kind.REMARK]
    while remarks and _sum([one.with_whole_name for one in shown.values()]) > width:
        beneath.insert(0, remarks[-1])
        del shown[remarks.pop()]
    spares = sorted((place for place in shown if columns[place].spare), key=_spare_of(columns))
    while spares and _sum([one.least for one in shown.values()]) > width:
        left_out.insert(0, spares[-1])
        del shown[spares.pop()]
    fits = _sum([one.least for one in shown.values()]) <= width
    return Layout(
        columns=tuple(columns),
        width=width,
        widths=_widths(shown, width) if fits else {},
        beneath=tuple(beneath),
        left_out=tuple(sorted(left_out)) if fits else (),
    )


def heading_lines(layout: Layout) -> Iterator[Text]:
    """The line of headings; several where some are wrapped, none where there are none."""
    headings = [Text(column.heading, style="bold") for column in layout.columns]
    if layout.widths and any(column.heading for column in layout.columns):
        yield from _side_by_side(layout, headings)


def row_lines(layout: Layout, row: Row) -> Iterator[Text]:
    """The lines of a row, with its remarks beneath."""
    yield from _side_by_side(layout, row)
    for place in layout.beneath:
        yield from _remark_lines(layout, place, row[place])


class _Measure(Noun, frozen=True, kw_only=True):
    """The widths of a column: the least, that of all in one line, and that of a whole name."""

    least: int
    whole: int
    with_whole_name: int


def _measure(column: TableColumn, place: int, rows: Sequence[Row]) -> _Measure:
    cells = [_text(row[place]).plain for row in rows]
    longest = max((cell_len(line) for cell in cells for line in cell.splitlines()), default=0)
    word = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    heading = max((cell_len(word) for word in column.heading.split()), default=0)
    narrowest = {
        Kind.WORDS: word,
        Kind.NAME: min(longest, _NARROWEST_NAME),
        Kind.REMARK: min(longest, _NARROWEST_REMARK),
    }
    least = max(heading, narrowest.get(column.kind, longest))
    is_name = column.kind is Kind.NAME
    return _Measure(
        least=least,
        whole=max(longest, cell_len(column.heading)),
        with_whole_name=max(longest, heading) if is_name else least,
    )


def _spare_of(columns: Sequence[TableColumn]) -> Callable[[int], tuple[int, int]]:
    return lambda place: (columns[place].spare, place)


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _widths(shown: Mapping[int, _Measure], width: int) -> dict[int, int]:
    """What is left over goes to the columns in their order, until each has all in one line."""
    spare = width - _sum([one.least for one in shown.values()])
    widths = {}
    for place, one in shown.items():
        more = min(spare, one.whole - one.least)
        widths[place] = one.least + more
        spare -= more
    return widths


def _side_by_side(layout: Layout, row: Row) -> Iterator[Text]:
    cells = {place: _wrap(row[place], width) for place, width in layout.widths.items()}
    for number in range(max(map(len, cells.values()))):
        line = Text()
        for place, width in layout.widths.items():
            part = cells[place][number] if number < len(cells[place]) else Text()
            blanks = " " * (width - cell_len(part.plain))
            is_right = layout.columns[place].kind is Kind.FIGURE
            line.append(blanks if is_right else "").append_text(part)
            line.append("" if is_right else blanks).append(" " * _GAP)
        line.rstrip()
        yield line


def _remark_lines(layout: Layout, place: int, cell: Cell) -> Iterator[Text]:
    text = _text(cell)
    if not text.plain:
        return
    heading = layout.columns[place].heading
    if not heading:
        yield from wrapped(text, layout.width, _INDENT)
    elif "\n" in text.plain or _has_own_line(layout, place, text):
        yield from wrapped(f"{heading}:", layout.width, _INDENT)
        for line in text.split():
            yield from wrapped(line, layout.width, _INDENT + 2, _INDENT + 4)
    else:
        whole = Text(f"{heading}: ").append_text(text)
        yield from wrapped(whole, layout.width, _INDENT, _INDENT + 2)


def _has_own_line(layout: Layout, place: int, text: Text) -> bool:
    """Whether what must not be broken fits a line only without its heading."""
    column, room = layout.columns[place], layout.width - _INDENT - 4
    is_one = column.kind in (Kind.FIGURE, Kind.WORD) and cell_len(text.plain) <= room
    return is_one and cell_len(f"{column.heading}: {text.plain}") > layout.width - _INDENT - 2


def _block_lines(layout: Layout, row: Row) -> Iterator[Text]:
    """A row as lines of its own: the first name and what has no heading, then the others."""
    titles = [place for place, column in enumerate(layout.columns) if not column.heading]
    names = [place for place, one in enumerate(layout.columns) if one.kind is Kind.NAME]
    head = sorted({*titles, *names[:1]} - set(layout.beneath))
    title = Text("  ").join([_text(row[place]) for place in head if _text(row[place]).plain])
    heading = layout.columns[names[0]].heading if names else ""
    yield from wrapped(
        Text(f"{heading}: " if heading else "").append_text(title), layout.width, 0, 2
    )
    for place in range(len(layout.columns)):
        if place not in head:
            yield from _remark_lines(layout, place, row[place])


def _wrap(cell: Cell, width: int) -> list[Text]:
    return list(_text(cell).wrap(_MEASURE, max(1, width), overflow="fold"))


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)
