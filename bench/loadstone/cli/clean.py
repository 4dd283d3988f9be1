"""``loadstone clean``: remove what a killed Run left."""

import sys
from pathlib import Path

import click

from loadstone.cli._options import results_option
from loadstone.errors import ExitCode


@click.command()
@results_option
def command(results: Path) -> None:
    """Take down what Runs that were killed had set up: files, devices, tunables."""
    from loadstone.journal import clean

    removals = clean(results)
    for removal in removals:
        record = removal.entry.record
        click.echo(removal.problem or f"removed {record.kind} {record.name}")
    if not removals:
        click.echo(f"nothing to clean in {results}")
    if any(removal.problem for removal in removals):
        sys.exit(ExitCode.FAILED)
