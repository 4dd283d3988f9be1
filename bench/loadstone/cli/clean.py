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
    from loadstone.provision.record import Entry, Record
    from loadstone.provision.removal import Connection


@click.command(short_help="Remove files and devices that killed Runs left behind.")
@results_option
@click.option(
    "--force",
    is_flag=True,
    help="Also what belongs to Runs of which nobody here can tell whether they are alive.",
)
def command(results: Path, force: bool) -> ExitCode:
    """Take down what Runs that were killed had set up: files, devices, tunables.

    Of a --knob that is commands the first is run, which is shown before; but only where nobody
    else can have written it into the journal.

    On whichever target it is; a device has to be connected. What a live Run has is left alone,
    in whatever container or of whatever user it is. Where that cannot be told, as of a Run on
    another machine that shares the results, it stays too, unless --force.
    """
    from loadstone import targets
    from loadstone.provision.leftovers import clean, examine
    from loadstone.provision.liveness import process_words
    from loadstone.provision.removal import Connection
    from loadstone.runs.results_directory import results_lock

    @contextlib.contextmanager
    def reach(name: str) -> "Iterator[Connection]":
        with targets.connect(name, results) as target:
            yield Connection(execute=target.execute, run_shell=target.run_shell)

    # Also false of one that is closed to this user, of which clean itself tells.
    is_there = os.path.isdir(results)  # noqa: PTH112  # Path.is_dir raises then
    with results_lock(results) if is_there else contextlib.nullcontext():
        removals = clean(results, reach, force=force, tell=_tell)
        alive = examine(results).alive
    for removal in removals:
        click.echo(removal.problem or _done_words(removal.entry.record))
    for entry in alive:
        record = entry.record
        click.echo(f"left alone {_words(record)}: its {process_words(record)} is alive")
    if not removals and not alive:
        click.echo(printable(f"nothing to clean in {results}"))
    return ExitCode.FAILED if any(removal.problem for removal in removals) else ExitCode.DONE


def _tell(entry: "Entry") -> None:
    """Say which command is run now, on what, and as whom."""
    from loadstone.provision.record import LOCAL
    from loadstone.provision.removers import RecordedCommand
    from loadstone.targets.shell import user_here

    record = entry.record
    where = f"as {user_here()}" if record.target == LOCAL else f"on {record.target}"
    command = RecordedCommand.of(record.detail).command
    click.echo(printable(f"running, {where}, the first command of --knob {record.name}: {command}"))


def _done_words(record: "Record") -> str:
    from loadstone.provision.removers import COMMAND

    is_command = record.kind == COMMAND
    return f"{'ran' if is_command else 'removed'} {_words(record)}"


def _words(record: "Record") -> str:
    from loadstone.provision.record import LOCAL

    place = "" if record.target == LOCAL else f" on {record.target}"
    return printable(f"{record.kind} {record.name}{place}")
