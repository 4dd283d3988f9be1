"""Comma-separated values: a line a Trial, for spreadsheets and data frames."""

import csv
import io

from loadstone.export.table import Cell, header, rows
from loadstone.model import Run

SUMMARY = "a line a Trial, for spreadsheets and data frames"
SUFFIX = ".csv"


def render(run: Run) -> str:
    """A header and a line a Trial; ``parameter.`` and ``metric.`` stand before their names."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header(run))
    for cells in rows(run):
        writer.writerow([_cell(cell) for cell in cells])
    return stream.getvalue()


def _cell(value: Cell) -> object:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else value
