"""Whether the process that set something up is still alive, wherever it runs.

Its lock is asked first, as that is seen across PID namespaces, users and, where the file system
has such locks, machines. Where the lock proves nothing, the process id does, but only where
it means the same here as there. What neither proves is unknown, and unknown is never dead.
"""

import os
import pwd
from enum import StrEnum, auto
from pathlib import Path, PurePath

from loadstone.model import Noun
from loadstone.provision.journal_files import lock_path
from loadstone.provision.journal_lock import LockState, find_lock_state
from loadstone.provision.record import (
    Entry,
    Record,
    boot_id,
    host_name,
    own_namespaces,
    path_text,
    process_start,
)
from loadstone.text import printable

_PID_LIMIT = 1 << 22


class State(StrEnum):
    """What is known of a process."""

    ALIVE = auto()
    DEAD = auto()
    UNKNOWN = auto()


class Liveness(Noun, frozen=True, kw_only=True):
    """Whether a Record's process is alive; ``reason`` and ``remedy`` where that is unknown.

    ``is_elsewhere`` says that it is a process of another machine.
    """

    state: State
    reason: str = ""
    remedy: str = ""
    is_elsewhere: bool = False


ALIVE, DEAD = Liveness(state=State.ALIVE), Liveness(state=State.DEAD)


def find_liveness(entry: Entry) -> Liveness:
    """Whether the process that wrote an Entry is alive."""
    record = entry.record
    lock = LockState(problem="its file system has no locks")
    if (path := lock_path(entry)) is not None:
        lock = find_lock_state(path)
    if lock.is_held:
        return ALIVE
    if record.boot not in ("", boot_id()):
        return _of_another_boot(record)
    if record.namespaces in ("", own_namespaces()):
        return _by_process_id(entry)
    return _by_lock(entry, lock)


def process_words(record: Record) -> str:
    """Which process wrote a Record, for people."""
    if record.boot in ("", boot_id()):
        is_here = record.namespaces in ("", own_namespaces())
        return f"process {record.pid}" + ("" if is_here else " of another PID namespace")
    return f"process {record.pid} on {printable(record.host.partition(' ')[0]) or 'no machine'}"


def _of_another_boot(record: Record) -> Liveness:
    """No process outlives its machine's boot; a Record of an earlier loadstone names no machine."""
    if record.host in ("", host_name()):
        return DEAD
    host = printable(record.host.partition(" ")[0])
    return Liveness(
        state=State.UNKNOWN,
        reason=f"it belongs to a Run on {host}, which is another machine",
        remedy=f"run loadstone clean on {host}; if nothing of it is alive there any more, "
        "run loadstone clean --force",
        is_elsewhere=True,
    )


def _by_process_id(entry: Entry) -> Liveness:
    record = entry.record
    if not 0 < record.pid < _PID_LIMIT:
        return DEAD
    try:
        os.kill(record.pid, 0)
        is_there = True
    except ProcessLookupError:
        is_there = False
    except PermissionError:
        is_there = True
    if is_there and _started_then(record):
        return ALIVE
    # An earlier loadstone did not say which PID namespace its number belongs to.
    return DEAD if record.namespaces else _unknown(entry, "an earlier loadstone wrote it")


def _started_then(record: Record) -> bool:
    """Whether the process that has the number now is the one of the Record."""
    if not _proc_is_ours():
        return True
    try:
        return process_start(record.pid) == record.pid_start
    except OSError:
        # Hidden from this user (hidepid), or gone just now: then it is cleaned next time.
        return True


def _proc_is_ours() -> bool:
    """Whether the numbers in /proc are those of this process's PID namespace."""
    return str(Path("/proc/self").readlink()) == str(os.getpid())


def _by_lock(entry: Entry, lock: LockState) -> Liveness:
    """For a process whose number means nothing here: only its own free lock proves its death."""
    record = entry.record
    if lock.problem:
        return _unknown(entry, lock.problem)
    is_same_file = (record.lock_device, record.lock_inode) == (lock.device, lock.inode)
    is_same_place = record.lock_inode == lock.inode and record.lock == path_text(
        entry.path.with_name(PurePath(record.lock).name)
    )
    if is_same_file or is_same_place:
        return DEAD
    return _unknown(entry, f"this journal is a copy of the one in {_directory(record)}")


def _directory(record: Record) -> str:
    return printable(str(PurePath(record.lock).parent))


def _unknown(entry: Entry, reason: str) -> Liveness:
    process = f"{process_words(entry.record)}{_owner_words(entry.path)}"
    return Liveness(
        state=State.UNKNOWN,
        reason=f"whether its {process} is alive cannot be told from here: {reason}",
        remedy="run loadstone clean where that Run was made (its container, its user); if it is "
        "not alive any more, run loadstone clean --force",
    )


def _owner_words(path: Path) -> str:
    try:
        number = path.lstat().st_uid
    except OSError:
        return ""
    try:
        return f", of {printable(pwd.getpwuid(number).pw_name)},"
    except KeyError:
        return f", of user {number},"
