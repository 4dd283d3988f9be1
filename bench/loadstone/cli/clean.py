"""``loadstone clean``: remove what a killed Run left."""

import contextlib
from pathlib import Path

import click

from loadstone.cli._options import results_option
from loadstone.errors import ExitCode


@click.command()
@results_option
def command(results: Path) -> ExitCode:
    """Take down what Runs that were killed had set up: files, devices, tunables."""
    from loadstone.journal import clean
    from loadstone.workplace import workplace

    with workplace(results) if results.is_dir() else contextlib.nullcontext():
        removals = clean(results)
    for removal in removals:
        record = removal.entry.record
        click.echo(removal.problem or f"removed {record.kind} {record.name}")
    if not removals:
        click.echo(f"nothing to clean in {results}")
    return ExitCode.FAILED if any(removal.problem for removal in removals) else ExitCode.DONE
