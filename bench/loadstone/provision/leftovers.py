"""What killed processes left set up: found by their journals, and taken down."""

import errno
import re
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from loadstone.core import native
from loadstone.core.remote_files import Execute
from loadstone.durable import UNDECODABLE, decode
from loadstone.errors import LoadstoneError, RunError, TargetError, system_words
from loadstone.provision.record import LOCAL, Entry, Record, boot_id, process_start
from loadstone.provision.removal import Removal, left, left_for_now, take_down

Reach = Callable[[str], AbstractContextManager[Execute]]
"""Connects to the Target of a name for as long as the context lasts."""

UNREADABLE = "unreadable"
"""The kind of an Entry whose file cannot be read; its detail says why."""

_LIMIT_BYTES = 1 << 20
# A scheme and what it addresses, such as adb:emulator-5554, which is no option of any program.
_TARGET = re.compile(r"[a-z]+(:[!-,.-~][ -~]{0,255})?")


def find_leftovers(results: Path) -> list[Entry]:
    """What processes that have died left set up, oldest first.

    A journal file that cannot be read is an Entry too, of the kind ``UNREADABLE``.

    Raises:
        RunError: the journal cannot be read.
    """
    directory = results / "journal"
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".json")
        entries = [entry for path in paths if (entry := _read(path))]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"cannot read {directory}: {system_words(error.errno or 0)}",
            remedy="give yourself access to it",
        ) from error
    return [entry for entry in entries if not _is_alive(entry.record)]


def _unreachable(_: str) -> AbstractContextManager[Execute]:
    # What to do is said with it: connect it, and clean again.
    raise TargetError("it was not asked for")


def clean(results: Path, reach: Reach = _unreachable) -> list[Removal]:
    """Take down all leftovers, the newest first; one that fails does not stop the next.

    Args:
        reach: connects once to each other Target that has some. Those of one that cannot be
            reached stay, and stay in the journal.

    Raises:
        RunError: the journal cannot be read.
    """
    entries = find_leftovers(results)[::-1]
    removals = []
    for target in dict.fromkeys(entry.record.target for entry in entries):
        there = [entry for entry in entries if entry.record.target == target]
        removals += _clean_target(target, there, reach)
    return removals


def _clean_target(target: str, entries: list[Entry], reach: Reach) -> list[Removal]:
    if target == LOCAL:
        return [_take_down_here(entry) for entry in entries]
    if not _TARGET.fullmatch(target):
        return [left(entry, RunError("its target is the name of none")) for entry in entries]
    removals: list[Removal] = []
    try:
        with reach(target) as execute:
            removals += [take_down(entry, execute) for entry in entries]
    except LoadstoneError as error:
        # Also one that went away only when the work was done.
        removals += [left_for_now(entry, error) for entry in entries[len(removals) :]]
    return removals


def _take_down_here(entry: Entry) -> Removal:
    if entry.record.kind == UNREADABLE:
        return left(entry, RunError(entry.record.detail))
    return take_down(entry, native.run_job)


def _read(path: Path) -> Entry | None:
    """An Entry, or None where its process has removed it meanwhile."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT_BYTES:
            raise ValueError("it is not a small regular file")
        return Entry(path=path, record=decode(path.read_bytes(), Record))
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        why = f"it is no journal entry: {error}"
    except OSError as error:
        why = f"it cannot be read: {system_words(error.errno or 0)}"
    record = Record(kind=UNREADABLE, name=str(path), pid=0, pid_start=0, detail=why)
    return Entry(path=path, record=record)


def _is_alive(record: Record) -> bool:
    if record.boot not in ("", boot_id()) or not 0 < record.pid <= 1 << 22:
        return False
    try:
        return process_start(record.pid) == record.pid_start
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ESRCH)
