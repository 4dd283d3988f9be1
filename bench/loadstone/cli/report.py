"""``loadstone report``: Runs as an HTML file, side by side or as an index."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import reference_option, results_option
from loadstone.cli._output import load, note
from loadstone.errors import LoadstoneError, RunError, UsageError
from loadstone.model import Run

if TYPE_CHECKING:
    from loadstone.report.index import IndexRow, Unread

_MOST_SIDE_BY_SIDE = 16
_INDEX = Path("runs.html")


@click.command(short_help="Write Runs as one HTML file.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Where to write it; an earlier report is replaced.  [default: the first RUN's id "
    f"with .html, or {_INDEX} for an index, in the current directory]",
)
@click.option(
    "--index", "is_index", is_flag=True, help="A row for each Run, instead of all of each."
)
@click.option(
    "--side-by-side",
    "most",
    type=click.IntRange(1),
    default=_MOST_SIDE_BY_SIDE,
    show_default=True,
    metavar="N",
    help="Of more RUNs than that it is an index.",
)
@click.option(
    "--plots",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the pictures of each RUN there, as SVG and PNG; HTML only with -o, too.",
)
@reference_option
@results_option
def command(
    runs: tuple[str, ...],
    output: Path | None,
    is_index: bool,
    most: int,
    plots: Path | None,
    references: tuple[Path, ...],
    results: Path,
) -> None:
    """Write the RUNs as one HTML file: figures, chart, time lines, latencies, evidence, and
    what is published of their Cases.

    A RUN is a path, an id or the beginning of one, `last` or `last~1`; without any, `last`.
    Several get an overview side by side. Of many (`results/runs/*`), or with --index, it is an
    index: a row for each with its headline, to be sorted and narrowed down, and all that could
    not be read with its reason; --index without a RUN is of all in --results. The file needs no
    network, so it can be mailed or attached as it is. Its path is printed.
    """
    if is_index or (plots is None and len(runs) > most):
        if plots is not None:
            raise UsageError("an index has no pictures", remedy="leave --index or --plots out")
        click.echo(_write_index(runs, output or _INDEX, results))
        return
    loaded = [load(run, results) for run in runs or ("last",)]
    if plots is not None:
        from loadstone.report.picture_files import write_pictures

        for path in write_pictures(loaded, plots):
            click.echo(path)
        if output is None:
            return
    click.echo(_write_side_by_side(loaded, output, references))


def _write_side_by_side(
    loaded: Sequence[Run], output: Path | None, references: Sequence[Path]
) -> Path:
    from loadstone.published.changes import all_postings
    from loadstone.report import html

    postings = all_postings(references)
    # Not the id from the manifest: one from elsewhere may say anything.
    path = output or Path(f"{loaded[0].path.name}.html")
    html.write(loaded, path, postings)
    return path


def _write_index(runs: Sequence[str], path: Path, results: Path) -> Path:
    from loadstone.report.html import write_page
    from loadstone.report.index import render_index

    named = runs or _all_of(results)
    rows, left_out = _rows(named, path.parent, results)
    for one in left_out:
        note(f"left out: {one.reason}")
    if not rows:
        raise RunError(
            f"none of {len(named)} names a Run that can be read", remedy="name others, or --results"
        )
    write_page(render_index(rows, left_out), path)
    return path


def _all_of(results: Path) -> list[str]:
    """The directories below a results directory, Runs or not.

    Raises:
        RunError: there is none.
    """
    from loadstone.runs.run_files import cannot_read

    try:
        found = sorted(path for path in (results / "runs").iterdir() if path.is_dir())
    except OSError as error:
        raise cannot_read(results / "runs", error) from error
    return [str(path) for path in found]


def _rows(
    named: Sequence[str], directory: Path, results: Path
) -> "tuple[list[IndexRow], list[Unread]]":
    """One Run at a time: a thousand of them need not fit into memory."""
    from loadstone.report.index import index_row, unread
    from loadstone.runs.lookup import find
    from loadstone.runs.store import load_figures

    rows, left_out = [], []
    for name in named:
        try:
            rows.append(index_row(load_figures(find(results, name, note)), directory))
        except LoadstoneError as error:
            left_out.append(unread(name, error))
    return rows, left_out
