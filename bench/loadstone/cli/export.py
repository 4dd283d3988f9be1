"""``loadstone export``: a Run in a foreign format."""

from pathlib import Path

import click

from loadstone.cli._options import results_option
from loadstone.cli._output import load
from loadstone.cli._streams import write_data
from loadstone.text import printable


class _Export(click.Command):
    """Its help lists the formats that there are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from loadstone.export import formats

        del ctx
        with formatter.section("Formats"):
            formatter.write_dl([(name, found.SUMMARY) for name, found in formats().items()])


@click.command(cls=_Export, short_help="Print a Run in another program's format.")
@click.argument("run", default="last")
@click.option("--format", "name", required=True, metavar="FORMAT", help="One of those below.")
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

    RUN is a path, an id or the beginning of one, `last` or `last~1`. Every format carries the
    clock that the figures were taken by. Cases without figures, and with Trials that failed, are
    named on standard error.
    """
    from loadstone.durable import write_named
    from loadstone.export import find_format
    from loadstone.export.figures import left_out

    found = find_format(name)
    loaded = load(run, results)
    text = found.render(loaded)
    for line in left_out(loaded):
        click.echo(f"note: {printable(line)}", err=True)
    if output is None:
        write_data(text)
        return
    write_named(output, text.encode(), f"{name} export", (found.SUFFIX,))
    click.echo(output)
