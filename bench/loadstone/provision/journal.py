"""What a process sets up on a Target, written down first, so that a kill leaves no litter.

Each thing is one file in ``<results>/journal``. Such a file is data, not an order: whoever takes
a thing down makes sure that it is one which Loadstone could have set up.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from loadstone.core import native
from loadstone.core.remote_files import Execute
from loadstone.durable import (
    cannot_write,
    encode,
    sync_directory,
    write_atomically,
)
from loadstone.errors import LoadstoneError, RunError, TargetError, system_words
from loadstone.model import Noun
from loadstone.provision.removers import (
    detach_loop,
    remove_directory,
    remove_file,
    remove_mapped,
    remove_null_blk,
    restore_tunable,
    unmount,
)

LOCAL = "local"
"""The Target that is this machine."""

UNREADABLE = "unreadable"


class Record(Noun, frozen=True, kw_only=True):
    """One thing that was set up, as its journal file has it.

    ``name`` is an absolute path or a device, ``target`` the name of the Target that it stands on;
    ``detail`` is what its remover needs besides. The process is always one of this machine.
    ``pid_start``, in clock ticks from ``boot`` (a boot id), tells the process from a later one
    with the same pid: lab guests boot alike to the tick. Source: proc_pid_stat(5), field 22.
    """

    kind: str
    name: str
    pid: int
    pid_start: int
    detail: str = ""
    boot: str = ""
    target: str = LOCAL


class Entry(Noun, frozen=True, kw_only=True):
    """A Record and the journal file that it stands in."""

    path: Path
    record: Record

    def remove(self) -> None:
        """Take this out of the journal, its thing being gone; a second time does nothing.

        Raises:
            RunError: the journal cannot be written.
        """
        try:
            self.path.unlink(missing_ok=True)
            sync_directory(self.path.parent)
        except OSError as error:
            raise cannot_write(self.path, error) from error


class Removal(Noun, frozen=True, kw_only=True):
    """What came of taking one thing down; ``problem`` is None where it is gone."""

    entry: Entry
    problem: str | None


class Journal:
    """What this process has set up. As a context, it takes down at its end what still stands.

    Args:
        target: the name of the Target that all of it stands on.
        execute: carries out Jobs there. Not asked on this machine, where the core runs in this
            process: it has to be there even when a worker has died.

    Raises:
        RunError: at the end of the context, where something would not go. An error that is
            already on its way goes on instead, with the problems as its notes.
    """

    def __init__(
        self, results: Path, target: str = LOCAL, execute: Execute = native.run_job
    ) -> None:
        self._directory = results / "journal"
        self._target = target
        self._execute = execute
        self._entries: list[Entry] = []
        self._latest_ns = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        problems = [removal.problem for removal in self.take_down() if removal.problem]
        if problems and error is None:
            raise RunError("\n".join(problems))
        if error is not None:
            for problem in problems:
                error.add_note(problem)

    def entry(self, kind: str, name: str, detail: str = "") -> Entry:
        """Write down what is about to be set up; it is on the disk when this returns.

        Args:
            kind: a key of ``REMOVERS``.
            name: an absolute path, or a device.
            detail: what the remover of that kind asks for.

        Raises:
            RunError: the journal cannot be written; then the thing must not be set up.
            ValueError: nobody could take down a thing of this kind.
        """
        if kind not in (REMOVERS if self._target == LOCAL else FAR_REMOVERS):
            raise ValueError(f"no remover is registered for the kind {kind!r} on {self._target}")
        pid = os.getpid()
        # Never the same or earlier, even where the clock is set back: the order is what counts.
        self._latest_ns = max(self._latest_ns + 1, time.time_ns())
        path = self._directory / f"{self._latest_ns:020}-{pid}-{secrets.token_hex(2)}.json"
        record = Record(
            kind=kind,
            name=name,
            pid=pid,
            pid_start=process_start(pid),
            detail=detail,
            boot=boot_id(),
            target=self._target,
        )
        write_atomically(path, encode(record, path))
        self._entries.append(Entry(path=path, record=record))
        return self._entries[-1]

    @contextlib.contextmanager
    def registered(self, kind: str, name: str, detail: str = "") -> Iterator[None]:
        """Write down what is set up inside, and take it down at the end.

        After an error, what will not go is left for the journal's own end, which tells of it.

        Raises:
            RunError: the journal cannot be written, or the thing would not go.
        """
        entry = self.entry(kind, name, detail)
        try:
            yield
        except BaseException:
            take_down_entry(entry, self._execute)
            raise
        if problem := take_down_entry(entry, self._execute).problem:
            raise RunError(problem)

    def take_down(self) -> list[Removal]:
        """Take down all that this process still has standing, the newest first."""
        registered = [entry for entry in self._entries if entry.path.exists()]
        return [take_down_entry(entry, self._execute) for entry in reversed(registered)]


def _leave_unreadable(_: str, why: str) -> None:
    raise RunError(why)


FAR_REMOVERS: dict[str, Callable[[Execute, str, str], None]] = {
    "file": remove_file,
    "tunable": restore_tunable,
    "loop": detach_loop,
    "dm-table": remove_mapped,
}
"""How to take down what may stand on any Target, given what executes Jobs there, too."""

REMOVERS: dict[str, Callable[[str, str], None]] = {
    **{kind: partial(remove, native.run_job) for kind, remove in FAR_REMOVERS.items()},
    "directory": remove_directory,
    "mount": unmount,
    "null_blk": remove_null_blk,
    UNREADABLE: _leave_unreadable,
}
"""How to take down each kind on this machine, given a Record's name and detail.

A module that sets up another kind adds it here. A remover makes sure that the name is one of
ours, takes a thing that is already gone for taken down, and raises LoadstoneError or OSError.
``tunable``: the name is a file of sysfs or procfs, the detail its old value as it is written.
``loop``: the name is the image, as no device is known before there is one. ``mount``: the name is
the mount point, which goes as well. ``dm-table``: the name of the device-mapper device.
``null_blk``: that of its directory in configfs.
"""


def take_down_entry(entry: Entry, execute: Execute) -> Removal:
    try:
        _remove(entry.record, execute)
        entry.remove()
    except TargetError as error:
        return Removal(entry=entry, problem=problem_for_now(entry, str(error)))
    except LoadstoneError as error:
        return Removal(entry=entry, problem=problem_of(entry, str(error)))
    except OSError as error:
        return Removal(entry=entry, problem=problem_of(entry, system_words(error.errno or 0)))
    return Removal(entry=entry, problem=None)


def _remove(record: Record, execute: Execute) -> None:
    if record.kind not in REMOVERS:
        raise RunError("this loadstone knows no such kind")
    if record.target == LOCAL:
        REMOVERS[record.kind](record.name, record.detail)
    elif record.kind in FAR_REMOVERS:
        FAR_REMOVERS[record.kind](execute, record.name, record.detail)
    else:
        raise RunError("this loadstone sets up no such thing on another machine")


def problem_of(entry: Entry, why: str) -> str:
    return f"{_shown(entry)} was left: {why}; see to it by hand, then delete {entry.path}"


def problem_for_now(entry: Entry, why: str) -> str:
    return (
        f"{_shown(entry)} was left: {why}; connect {entry.record.target} again and run loadstone "
        f"clean, or if it never comes back, delete {entry.path}"
    )


def _shown(entry: Entry) -> str:
    record = entry.record
    place = "" if record.target == LOCAL else f" on {record.target}"
    what = f"{record.kind} {record.name}{place}"
    return what if what.isprintable() else ascii(what)


def process_start(pid: int) -> int:
    """When a process started, in clock ticks since boot; -1 for a zombie, which holds nothing."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return -1 if fields[0] in (b"Z", b"X") else int(fields[19])


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
