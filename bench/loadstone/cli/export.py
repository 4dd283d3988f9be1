"""``loadstone export``: a Run in a foreign format."""

from pathlib import Path

import click

from loadstone.cli._options import results_option


@click.command(short_help="Print a Run in another program's format.")
@click.argument("run", default="last")
@click.option("--format", "name", required=True, metavar="FORMAT", help="One of those above.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write it; an earlier export is replaced.  [default: standard output]",
)
@results_option
def command(run: str, name: str, output: Path | None, results: Path) -> None:
    """Give RUN's Trials in another program's format.

    \b
    csv        a line a Trial, for spreadsheets and data frames
    json       the whole Run as one document
    benchstat  Go's benchmark format: benchstat BASE.txt NEW.txt
    pyperf     for pyperf show, hist and compare_to

    RUN is a path, an id or the beginning of one, `last` or `last~1`. Every format carries the
    clock that the figures were taken by.
    """
    from loadstone import api
    from loadstone.durable import write_named
    from loadstone.export import find_format

    found = find_format(name)
    text = found.render(api.load(run, results=results))
    if output is None:
        click.echo(text, nl=False)
        return
    write_named(output, text.encode(), f"{name} export", (found.SUFFIX,))
    click.echo(output)
