"""``loadstone clean``: remove what a killed Run left."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadstone.cli._options import results_option
from loadstone.errors import ExitCode
from loadstone.text import printable

if TYPE_CHECKING:
    from loadstone.core.remote_files import Execute
    from loadstone.provision.record import Record


@click.command(short_help="Remove files and devices that killed Runs left behind.")
@results_option
@click.option(
    "--force",
    is_flag=True,
    help="Also what belongs to Runs of which nobody here can tell whether they are alive.",
)
def command(results: Path, force: bool) -> ExitCode:
    """Take down what Runs that were killed had set up: files, devices, tunables.

    On whichever target it is; a device has to be connected. What a live Run has is left alone,
    in whatever container or of whatever user it is. Where that cannot be told, as of a Run on
    another machine that shares the results, it stays too, unless --force.
    """
    from loadstone import targets
    from loadstone.provision.leftovers import clean, examine
    from loadstone.provision.liveness import process_words
    from loadstone.runs.results_directory import results_lock

    @contextlib.contextmanager
    def reach(name: str) -> "Iterator[Execute]":
        with targets.connect(name, results) as target:
            yield target.execute

    # Also false of one that is closed to this user, of which clean itself tells.
    is_there = os.path.isdir(results)  # noqa: PTH112  # Path.is_dir raises then
    with results_lock(results) if is_there else contextlib.nullcontext():
        removals = clean(results, reach, force=force)
        alive = examine(results).alive
    for removal in removals:
        click.echo(removal.problem or f"removed {_words(removal.entry.record)}")
    for entry in alive:
        record = entry.record
        click.echo(f"left alone {_words(record)}: its {process_words(record)} is alive")
    if not removals and not alive:
        click.echo(printable(f"nothing to clean in {results}"))
    return ExitCode.FAILED if any(removal.problem for removal in removals) else ExitCode.DONE


def _words(record: "Record") -> str:
    from loadstone.provision.record import LOCAL

    place = "" if record.target == LOCAL else f" on {record.target}"
    return printable(f"{record.kind} {record.name}{place}")
