"""What a process sets up on a Target, written down first, so that a kill leaves no litter.

Each thing is one file in ``<results>/journal``. Such a file is data, not an order: whoever takes
a thing down makes sure that it is one which Loadstone could have set up. The files of a Journal
name its lock, which tells whether its process is alive.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from loadstone.core import native
from loadstone.core.remote_files import Execute
from loadstone.durable import encode, write_atomically
from loadstone.errors import RunError
from loadstone.interruption import uninterrupted
from loadstone.provision.journal_lock import SUFFIX, JournalLock
from loadstone.provision.record import LOCAL, Entry, Record
from loadstone.provision.removal import HERE, Connection, Removal, take_down
from loadstone.provision.removers import REMOVERS
from loadstone.targets.shell import RunShell


class Journal:
    """What this process has set up. As a context, it takes down at its end what is left.

    Args:
        target: the name of the Target that all of it is set up on.
        execute: carries out Jobs there. Not used on this machine, where the core runs in this
            process: it has to be there even when a worker has died.
        run_shell: runs commands there.

    Raises:
        RunError: at the end of the context, where something would not go. An error that is
            already on its way goes on instead, with the problems as its notes.
    """

    def __init__(
        self,
        results: Path,
        target: str = LOCAL,
        execute: Execute = native.run_job,
        run_shell: RunShell | None = None,
    ) -> None:
        self._directory = results / "journal"
        self._target = target
        near = HERE if target == LOCAL else Connection(execute=execute)
        self._there = Connection(execute=near.execute, run_shell=run_shell or near.run_shell)
        self._entries: list[Entry] = []
        self._latest_ns = 0
        self._lock: JournalLock | None = None
        self._has_tried_lock = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with uninterrupted():
            errors = [removal.error for removal in self.take_down() if removal.error]
            self._let_go()
        if error is not None:
            # It may be the one that is on its way.
            for left in errors:
                if str(left) != str(error):
                    error.add_note(str(left))
        elif errors:
            # Each line has a remedy of its own.
            raise errors[0] if len(errors) == 1 else RunError("\n".join(map(str, errors)))

    def entry(self, kind: str, name: str, detail: str = "") -> Entry:
        """Write down what is about to be set up; it is on the disk when this returns.

        Args:
            kind: a key of ``REMOVERS``.
            name: an absolute path, a device, or a knob.
            detail: what the remover of that kind asks for.

        Raises:
            RunError: the journal cannot be written; then the thing must not be set up.
            ValueError: nobody could take down a thing of this kind.
        """
        if kind not in REMOVERS or (REMOVERS[kind].is_local and self._target != LOCAL):
            raise ValueError(f"no remover is registered for the kind {kind!r} on {self._target}")
        with uninterrupted():
            return self._write_down(kind, name, detail)

    def _write_down(self, kind: str, name: str, detail: str) -> Entry:
        if not self._has_tried_lock:
            self._lock = JournalLock.create(self._new_path(SUFFIX))
            self._has_tried_lock = True
        record = Record.of_this_process(kind, name, detail, self._target, self._lock)
        path = self._new_path(".json")
        write_atomically(path, encode(record, path))
        self._entries.append(Entry(path=path, record=record))
        return self._entries[-1]

    def _new_path(self, suffix: str) -> Path:
        # Never the same or earlier, even where the clock is set back: the order is what counts.
        self._latest_ns = max(self._latest_ns + 1, time.time_ns())
        name = f"{self._latest_ns:020}-{os.getpid()}-{secrets.token_hex(2)}{suffix}"
        return self._directory / name

    @contextlib.contextmanager
    def registered(self, kind: str, name: str, detail: str = "") -> Iterator[Entry]:
        """Write down what is set up inside, and take it down at the end.

        After an error, what will not go is left for the journal's own end, which tells of it.

        Yields:
            The Entry, to be removed inside where the thing turned out to be somebody else's.

        Raises:
            RunError: the journal cannot be written, or the thing would not go.
        """
        entry = self.entry(kind, name, detail)
        try:
            yield entry
        except BaseException:
            self._take_down(entry)
            raise
        error = self._take_down(entry).error
        if error:
            raise error

    def _take_down(self, entry: Entry) -> Removal:
        with uninterrupted():
            is_registered = entry.path.exists()
            return take_down(entry, self._there) if is_registered else Removal(entry=entry)

    def take_down(self) -> list[Removal]:
        """Take down all that this process has still set up, the newest first."""
        registered = [entry for entry in self._entries if entry.path.exists()]
        return [take_down(entry, self._there) for entry in reversed(registered)]

    def _let_go(self) -> None:
        """Give up the lock, and remove its file unless something that was left names it."""
        lock, self._lock, self._has_tried_lock = self._lock, None, False
        if lock is None:
            return
        if any(entry.path.exists() for entry in self._entries):
            lock.close()
        else:
            lock.remove()
