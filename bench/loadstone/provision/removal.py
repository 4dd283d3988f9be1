"""Taking down one thing of the journal, and what came of it."""

from loadstone.core.remote_files import Execute
from loadstone.errors import LoadstoneError, RunError, TargetError, system_words
from loadstone.model import Noun
from loadstone.provision.liveness import Liveness
from loadstone.provision.record import LOCAL, Entry, Record
from loadstone.provision.removers import REMOVERS


class Removal(Noun, frozen=True, kw_only=True):
    """What came of taking one thing down; ``error`` is None where it is gone."""

    entry: Entry
    error: RunError | None = None

    @property
    def problem(self) -> str | None:
        """The error and its remedy in words."""
        return str(self.error) if self.error else None


def take_down(entry: Entry, execute: Execute) -> Removal:
    """Remove a thing, and then its Entry.

    Args:
        execute: carries out Jobs on the Target that has the thing.
    """
    try:
        _remove(entry.record, execute)
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


def _remove(record: Record, execute: Execute) -> None:
    remover = REMOVERS.get(record.kind)
    if remover is None:
        raise RunError("this loadstone knows no such kind", remedy="take the one that set it up")
    if remover.is_local and record.target != LOCAL:
        raise RunError(
            "this loadstone sets up no such thing on another machine",
            remedy="take the one that set it up",
        )
    remover.remove(execute, record.name, record.detail)


def _was_left(entry: Entry, error: LoadstoneError) -> str:
    record = entry.record
    place = "" if record.target == LOCAL else f" on {record.target}"
    thing = f"{record.kind} {record.name}{place}"
    return f"{thing if thing.isprintable() else ascii(thing)} was left: {error.what}"
