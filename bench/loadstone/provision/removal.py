"""Taking down one thing of the journal, and what came of it."""

from loadstone.core import native
from loadstone.core.remote_files import Execute
from loadstone.errors import LoadstoneError, RunError, TargetError, system_words
from loadstone.model import Noun
from loadstone.provision.liveness import Liveness
from loadstone.provision.record import LOCAL, Entry
from loadstone.provision.removers import REMOVERS, RecordedCommand
from loadstone.targets.shell import RunShell, run_here
from loadstone.text import printable


class Removal(Noun, frozen=True, kw_only=True):
    """What came of taking one thing down; ``error`` is None where it is gone."""

    entry: Entry
    error: RunError | None = None

    @property
    def problem(self) -> str | None:
        """The error and its remedy in words."""
        return str(self.error) if self.error else None


class Connection(Noun, frozen=True, kw_only=True):
    """What the Target of a thing can do: execute Jobs, and run commands."""

    execute: Execute
    run_shell: RunShell | None = None


HERE = Connection(execute=native.run_job, run_shell=run_here)
"""This machine, without a worker, which may have died."""


def take_down(entry: Entry, there: Connection) -> Removal:
    """Remove a thing, and then its Entry.

    Args:
        there: the Target that has the thing.
    """
    try:
        _remove(entry, there)
        entry.remove()
    except TargetError as error:
        return left_for_now(entry, error)
    except LoadstoneError as error:
        return left(entry, error)
    except OSError as error:
        # What to do besides seeing to it by hand depends on the thing.
        return left(entry, RunError(system_words(error.errno or 0)))
    return Removal(entry=entry)


def left(entry: Entry, error: LoadstoneError) -> Removal:
    """The Removal of what stays until somebody sees to it."""
    by_hand = f"see to it by hand, then delete {entry.path}"
    remedy = f"{error.remedy}; {by_hand}" if error.remedy else by_hand
    return Removal(entry=entry, error=RunError(_was_left(entry, error), remedy=remedy))


def left_for_now(entry: Entry, error: LoadstoneError) -> Removal:
    """The Removal of what stays until its Target can be reached."""
    again = (
        f"connect {entry.record.target} again and run loadstone clean, or if it never comes back, "
        f"delete {entry.path}"
    )
    remedy = f"{error.remedy}; {again}" if error.remedy else again
    return Removal(entry=entry, error=RunError(_was_left(entry, error), remedy=remedy))


def left_unproven(entry: Entry, liveness: Liveness) -> Removal:
    """The Removal of what stays as its process may be alive."""
    error = RunError(liveness.reason, remedy=liveness.remedy)
    return Removal(entry=entry, error=RunError(_was_left(entry, error), remedy=error.remedy))


def _remove(entry: Entry, there: Connection) -> None:
    record = entry.record
    remover = REMOVERS.get(record.kind)
    if remover is None:
        raise RunError("this loadstone knows no such kind", remedy="take the one that set it up")
    if remover.is_local and record.target != LOCAL:
        raise RunError(
            "this loadstone sets up no such thing on another machine",
            remedy="take the one that set it up",
        )
    if remover.remove is not None:
        remover.remove(there.execute, record.name, record.detail)
    if remover.run is not None:
        _require_trust(entry)
        if there.run_shell is None:
            raise RunError("no command can be run there", remedy="run it there by hand")
        remover.run(there.run_shell, record.detail)


def _require_trust(entry: Entry) -> None:
    """Refuse a command of which nobody knows who has written it down."""
    if entry.distrust:
        command = printable(RecordedCommand.of(entry.record.detail).command)
        raise RunError(f"it would run `{command}`, and did not: {entry.distrust}")


def _was_left(entry: Entry, error: LoadstoneError) -> str:
    record = entry.record
    place = "" if record.target == LOCAL else f" on {record.target}"
    thing = f"{record.kind} {record.name}{place}"
    return f"{thing if thing.isprintable() else ascii(thing)} was left: {error.what}"
