"""What killed processes left set up: found by their journals, and taken down."""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path, PurePosixPath

import msgspec

from loadstone.errors import LoadstoneError, RunError, TargetError
from loadstone.model import Noun
from loadstone.provision.journal_files import (
    UNREADABLE,
    lock_path,
    read_entries,
    remove_unused_locks,
)
from loadstone.provision.journal_lock import find_lock_state, take_lock
from loadstone.provision.liveness import DEAD, Liveness, State, find_liveness
from loadstone.provision.record import LOCAL, Entry, path_text
from loadstone.provision.removal import (
    HERE,
    Connection,
    Removal,
    left,
    left_for_now,
    left_unproven,
    take_down,
)
from loadstone.provision.removers import COMMAND, REMOVERS

Reach = Callable[[str], AbstractContextManager[Connection]]
"""Connects to the Target of a name for as long as the context lasts."""

Tell = Callable[[Entry], None]
"""Is told of a command before it is run."""

# A scheme and what it addresses, such as adb:emulator-5554, which is no option of any program.
_TARGET = re.compile(r"[a-z]+(:[!-,.-~][ -~]{0,255})?")


class Findings(Noun, frozen=True, kw_only=True):
    """The Entries of a journal, oldest first, by what is known of their processes."""

    dead: tuple[Entry, ...] = ()
    alive: tuple[Entry, ...] = ()
    unknown: tuple[tuple[Entry, Liveness], ...] = ()


def examine(results: Path) -> Findings:
    """What stands in a journal, and whether those who set it up are alive.

    A journal file that cannot be read counts as of a dead process.

    Raises:
        RunError: the journal cannot be read.
    """
    found = [(entry, _liveness(entry)) for entry in read_entries(results)]
    # Who ended meanwhile has taken down his things himself.
    found = [(entry, known) for entry, known in found if os.path.lexists(entry.path)]
    return Findings(
        dead=tuple(entry for entry, known in found if known.state is State.DEAD),
        alive=tuple(entry for entry, known in found if known.state is State.ALIVE),
        unknown=tuple(pair for pair in found if pair[1].state is State.UNKNOWN),
    )


def find_leftovers(results: Path) -> list[Entry]:
    """What processes that have died left set up, oldest first.

    Raises:
        RunError: the journal cannot be read.
    """
    return list(examine(results).dead)


def _liveness(entry: Entry) -> Liveness:
    return DEAD if entry.record.kind == UNREADABLE else find_liveness(entry)


def _unreachable(_: str) -> AbstractContextManager[Connection]:
    # What to do is said with it: connect it, and clean again.
    raise TargetError("it was not asked for")


def clean(
    results: Path,
    reach: Reach = _unreachable,
    *,
    force: bool = False,
    tell: Tell = lambda _: None,
) -> list[Removal]:
    """Take down all leftovers, the newest first; one that fails does not stop the next.

    What a live process has is not touched, and what may have one stays. The locks of the dead are
    held meanwhile, so that nobody else takes down the same.

    Args:
        reach: connects once to each other Target that has some. Those of one that cannot be
            reached stay, and stay in the journal.
        force: take down, too, what belongs to a process of which nobody here can tell whether it
            is alive.
        tell: is told of each command of a user's before it is run.

    Raises:
        RunError: the journal cannot be read, or somebody else is cleaning it.
    """
    with _only_cleaner(results):
        found = examine(results)
        stays = [pair for pair in found.unknown if not force or _is_out_of_reach(*pair)]
        kept = {entry.path for entry, _ in stays}
        taken = [entry for entry, _ in found.unknown if entry.path not in kept]
        entries = sorted([*found.dead, *taken], key=lambda entry: entry.path)
        removals = [left_unproven(entry, known) for entry, known in stays]
        with _locked(entries) as held:
            removals += _clean_all([_where_it_is_now(entry) for entry in held[::-1]], reach, tell)
        remove_unused_locks(results)
    return removals


def _is_out_of_reach(entry: Entry, known: Liveness) -> bool:
    """Whether a thing is in the kernel of another machine, where nothing here takes it down."""
    remover = REMOVERS.get(entry.record.kind)
    is_there = entry.record.target == LOCAL and known.is_elsewhere
    return is_there and remover is not None and not remover.is_on_disk


@contextlib.contextmanager
def _only_cleaner(results: Path) -> Iterator[None]:
    """Lock the journal against another ``clean``; on a file system without locks nothing is done.

    Raises:
        RunError: one is at work.
    """
    try:
        fd = os.open(results / "journal", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        # There is none, or whoever reads it says what is wrong with it.
        yield
        return
    try:
        with contextlib.suppress(OSError):
            _lock_against_cleaners(fd, results)
        yield
    finally:
        os.close(fd)


def _lock_against_cleaners(fd: int, results: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(
            f"another loadstone clean is at work in {results}", remedy="wait until it has ended"
        ) from error


@contextlib.contextmanager
def _locked(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Hold the locks of processes that have died; without those that somebody else holds."""
    paths = {path for entry in entries if (path := lock_path(entry)) is not None}
    with ExitStack() as stack:
        others = set()
        for path in paths:
            if (fd := take_lock(path)) is not None:
                stack.callback(os.close, fd)
            elif find_lock_state(path).is_held:
                others.add(path)
        ours = [entry for entry in entries if lock_path(entry) not in others]
        # What another took down before the locks were had is not there any more.
        yield [entry for entry in ours if os.path.lexists(entry.path)]


def _where_it_is_now(entry: Entry) -> Entry:
    """The Entry with its name as the results directory is called here and now.

    A container may know it by another path; or it was moved, and what lies in it with it.
    """
    record = entry.record
    then = PurePosixPath(record.lock).parent.parent
    name = PurePosixPath(record.name)
    if not record.lock or record.target != LOCAL or not name.is_relative_to(then):
        return entry
    here = PurePosixPath(path_text(entry.path.parent.parent), name.relative_to(then))
    return msgspec.structs.replace(entry, record=msgspec.structs.replace(record, name=str(here)))


def _clean_all(entries: list[Entry], reach: Reach, tell: Tell) -> list[Removal]:
    removals = []
    for target in dict.fromkeys(entry.record.target for entry in entries):
        there = [entry for entry in entries if entry.record.target == target]
        removals += _clean_target(target, there, reach, tell)
    return removals


def _clean_target(target: str, entries: list[Entry], reach: Reach, tell: Tell) -> list[Removal]:
    if target == LOCAL:
        return [_take_down(entry, HERE, tell) for entry in entries]
    if not _TARGET.fullmatch(target):
        return [left(entry, RunError("its target is the name of none")) for entry in entries]
    removals: list[Removal] = []
    try:
        with reach(target) as there:
            removals += [_take_down(entry, there, tell) for entry in entries]
    except LoadstoneError as error:
        # Also one that went away only when the work was done.
        removals += [left_for_now(entry, error) for entry in entries[len(removals) :]]
    return removals


def _take_down(entry: Entry, there: Connection, tell: Tell) -> Removal:
    if entry.record.kind == UNREADABLE:
        return left(entry, RunError(entry.record.detail))
    if entry.record.kind == COMMAND and not entry.distrust:
        tell(entry)
    return take_down(entry, there)
