"""``loadstone report``: Runs as an HTML file."""

from pathlib import Path

import click

from loadstone.cli._options import reference_option, results_option
from loadstone.cli._output import load


@click.command(short_help="Write Runs as one HTML file.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Where to write it; an earlier report is replaced.  [default: the first RUN's id "
    "with .html, in the current directory]",
)
@reference_option
@results_option
def command(
    runs: tuple[str, ...], output: Path | None, references: tuple[Path, ...], results: Path
) -> None:
    """Write the RUNs as one HTML file: figures, chart, time lines, latencies, evidence, and
    what is published of their Cases.

    A RUN is a path, an id or the beginning of one, `last` or `last~1`; without any, `last`.
    Several get an overview side by side. The file needs no network and no script, so it can
    be mailed or attached as it is. Its path is printed.
    """
    from loadstone.published.changes import all_postings
    from loadstone.report import html

    postings = all_postings(references)
    loaded = [load(run, results) for run in runs or ("last",)]
    # Not the id from the manifest: one from elsewhere may say anything.
    path = output or Path(f"{loaded[0].path.name}.html")
    html.write(loaded, path, postings)
    click.echo(path)
