"""``loadstone clean``: remove what a killed Run left."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import results_option
from loadstone.errors import ExitCode
from loadstone.text import printable

if TYPE_CHECKING:
    from loadstone.core.remote_files import Execute
    from loadstone.provision.removal import Removal


@click.command(short_help="Remove files and devices that killed Runs left behind.")
@results_option
def command(results: Path) -> ExitCode:
    """Take down what Runs that were killed had set up: files, devices, tunables.

    On whichever target it is; a device has to be connected.
    """
    from loadstone import targets
    from loadstone.provision.leftovers import clean
    from loadstone.runs.results_directory import results_lock

    @contextlib.contextmanager
    def reach(name: str) -> "Iterator[Execute]":
        with targets.connect(name, results) as target:
            yield target.execute

    with results_lock(results) if results.is_dir() else contextlib.nullcontext():
        removals = clean(results, reach)
    for removal in removals:
        click.echo(removal.problem or f"removed {_words(removal)}")
    if not removals:
        click.echo(f"nothing to clean in {results}")
    return ExitCode.FAILED if any(removal.problem for removal in removals) else ExitCode.DONE


def _words(removal: "Removal") -> str:
    from loadstone.provision.record import LOCAL

    record = removal.entry.record
    place = "" if record.target == LOCAL else f" on {record.target}"
    return printable(f"{record.kind} {record.name}{place}")
