"""``loadstone export``: Runs in a foreign format."""

from pathlib import Path

import click

from loadstone.cli._options import results_option
from loadstone.cli._output import load, note
from loadstone.cli._streams import write_data
from loadstone.errors import RunError
from loadstone.model import Run


class _Export(click.Command):
    """Its help lists the formats that there are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from loadstone.export import formats

        del ctx
        with formatter.section("Formats"):
            formatter.write_dl([(name, found.SUMMARY) for name, found in formats().items()])


@click.command(cls=_Export, short_help="Print Runs in another program's format.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--format", "name", required=True, metavar="FORMAT", help="One of those below.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write it; an earlier export is replaced.  [default: standard output]",
)
@results_option
def command(runs: tuple[str, ...], name: str, output: Path | None, results: Path) -> None:
    """Give RUN's Trials in another program's format.

    RUN is a path, an id or the beginning of one, `last` or `last~1`; without any, `last`. Several
    are for `history` alone. Every format carries the clock that the figures were taken by. Cases
    without figures, and with Trials that failed, are named on standard error.
    """
    from loadstone.durable import write_named
    from loadstone.export import find_format, notes, render

    found = find_format(name, len(runs))
    loaded = _loaded(runs or ("last",), results)
    data = render(found, loaded)
    for line in notes(found, loaded):
        note(line)
    if output is None:
        write_data(data)
        return
    contents = data if isinstance(data, bytes) else data.encode()
    write_named(output, contents, f"{name} export", (found.SUFFIX,))
    click.echo(output)


def _loaded(texts: tuple[str, ...], results: Path) -> list[Run]:
    """The Runs, each once; of several, those that are none are named and left out.

    Raises:
        RunError: none of them is a Run.
    """
    found: dict[Path, Run] = {}
    wrong: list[RunError] = []
    for text in texts:
        try:
            run = load(text, results)
            found.setdefault(run.path.resolve(), run)
        except RunError as error:
            wrong.append(error)
    if not found:
        raise wrong[0]
    for one in wrong:
        note(f"left out: {one}")
    return list(found.values())
