"""``loadstone show``: a Run's table."""

from pathlib import Path

import click

from loadstone.cli._options import json_option, results_option
from loadstone.cli._output import load, print_run


@click.command(short_help="Show the table of a Run.")
@click.argument("run", default="last")
@results_option
@json_option
def command(run: str, results: Path, as_json: bool) -> None:
    """Show RUN: its path, its id or the beginning of it, `last` or `last~1`."""
    print_run(load(run, results), as_json)
