"""``loadstone import``: another program's result as a Run."""

from pathlib import Path

import click

from loadstone.cli._options import json_option, results_option
from loadstone.cli._output import exit_code_of, print_run
from loadstone.errors import ExitCode


@click.command(short_help="Make a Run of what fio measured.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RESULT..."
)
@click.option("--name", metavar="NAME", help="What the Run is called [as the first file].")
@results_option
@json_option
def command(files: tuple[Path, ...], name: str | None, results: Path, as_json: bool) -> ExitCode:
    """Make a Run of what fio printed with --output-format=json, or json+ for histograms.

    Each job is a Case, and each direction of one that reads and writes. One fio run is one
    figure, whatever fio sampled within it; several files of the same jobs are rounds, in the
    order given. `show`, `compare`, `gate`, `report` and `export` take the Run as any other.
    """
    from loadstone import api

    run = api.import_fio(*files, name=name, results=results)
    print_run(run, as_json)
    return exit_code_of(run)
