"""What a process sets up on this machine, written down first, so that a kill leaves no litter.

Each thing is one file in ``<results>/journal``. Such a file is data, not an order: whoever takes
a thing down makes sure that it is one which Loadstone could have set up.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from loadstone.durable import (
    UNDECODABLE,
    cannot_write,
    decode,
    encode,
    sync_directory,
    write_atomically,
)
from loadstone.errors import LoadstoneError, RunError, system_words
from loadstone.model import Noun
from loadstone.removers import detach_loop, unmount

UNREADABLE = "unreadable"

_LIMIT_BYTES = 1 << 20
_TUNABLES = re.compile(
    r"/sys/devices/.+/(bdi|cpufreq|cpuidle|devfreq|queue)/.+|/sys/kernel/mm/.+"
    r"|/sys/fs/(btrfs|erofs|ext4|f2fs|xfs)/.+|/sys/module/dm_\w+/parameters/\w+|/proc/sys/vm/\w+"
)


class Record(Noun, frozen=True, kw_only=True):
    """One thing that was set up, as its journal file has it.

    ``name`` is an absolute path or a device; ``detail`` is what its remover needs besides.
    ``pid_start``, in clock ticks from ``boot`` (a boot id), tells the process from a later one
    with the same pid: lab guests boot alike to the tick. Source: proc_pid_stat(5), field 22.
    """

    kind: str
    name: str
    pid: int
    pid_start: int
    detail: str = ""
    boot: str = ""


class Entry(Noun, frozen=True, kw_only=True):
    """A Record and the journal file that it stands in."""

    path: Path
    record: Record

    def strike(self) -> None:
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

    Raises:
        RunError: at the end of the context, where something would not go. An error that is
            already on its way goes on instead, with the problems as its notes.
    """

    def __init__(self, results: Path) -> None:
        self._directory = results / "journal"
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
        if kind not in REMOVERS:
            raise ValueError(f"no remover is registered for the kind {kind!r}")
        pid = os.getpid()
        # Never the same or earlier, even where the clock is set back: the order is what counts.
        self._latest_ns = max(self._latest_ns + 1, time.time_ns())
        path = self._directory / f"{self._latest_ns:020}-{pid}-{secrets.token_hex(2)}.json"
        record = Record(
            kind=kind, name=name, pid=pid, pid_start=_start(pid), detail=detail, boot=_boot()
        )
        write_atomically(path, encode(record, path))
        self._entries.append(Entry(path=path, record=record))
        return self._entries[-1]

    @contextlib.contextmanager
    def standing(self, kind: str, name: str, detail: str = "") -> Iterator[None]:
        """Write down what is set up inside, and take it down at the end.

        After an error, what will not go is left for the journal's own end, which tells of it.

        Raises:
            RunError: the journal cannot be written, or the thing would not go.
        """
        entry = self.entry(kind, name, detail)
        try:
            yield
        except BaseException:
            _take_down(entry)
            raise
        if problem := _take_down(entry).problem:
            raise RunError(problem)

    def take_down(self) -> list[Removal]:
        """Take down all that this process still has standing, the newest first."""
        standing = [entry for entry in self._entries if entry.path.exists()]
        return [_take_down(entry) for entry in reversed(standing)]


def stale(results: Path) -> list[Entry]:
    """What processes that have died left standing, oldest first.

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
            f"cannot read {directory}: {system_words(error.errno or 0)}; give yourself access to it"
        ) from error
    return [entry for entry in entries if not _is_alive(entry.record)]


def clean(results: Path) -> list[Removal]:
    """Take down all that is stale, the newest first; one that fails does not stop the next.

    Raises:
        RunError: the journal cannot be read.
    """
    return [_take_down(entry) for entry in reversed(stale(results))]


def _remove_file(name: str, _: str) -> None:
    path = Path(name)
    if not path.is_absolute() or not path.name.startswith("loadstone-") or "\0" in name:
        raise RunError("it is no absolute path of a file named loadstone-…")
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise RunError("it is not a regular file")
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return


def _remove_directory(name: str, _: str) -> None:
    path = Path(name)
    if not path.is_absolute() or not path.name.startswith("loadstone-") or "\0" in name:
        raise RunError("it is no absolute path of a directory named loadstone-…")
    if path.is_symlink() or (path.exists() and not path.is_dir()) or path.is_mount():
        raise RunError("it is not a plain directory")
    with contextlib.suppress(FileNotFoundError):
        # Links in it are removed, never followed.
        shutil.rmtree(path)


def _restore_tunable(name: str, value: str) -> None:
    if "\0" in name or not value.isprintable() or not value:
        raise RunError("its name or old value is no plain text")
    path = Path(os.path.realpath(name))
    if not _TUNABLES.fullmatch(str(path)):
        raise RunError("it is no tunable that Loadstone changes")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def _leave_unreadable(_: str, why: str) -> None:
    raise RunError(why)


REMOVERS: dict[str, Callable[[str, str], None]] = {
    "file": _remove_file,
    "directory": _remove_directory,
    "tunable": _restore_tunable,
    "loop": detach_loop,
    "mount": unmount,
    UNREADABLE: _leave_unreadable,
}
"""How to take down each kind, given a Record's name and detail.

A module that sets up another kind adds it here. A remover makes sure that the name is one of
ours, takes a thing that is already gone for taken down, and raises LoadstoneError or OSError.
``tunable``: the name is a file of sysfs or procfs, the detail its old value as it is written.
``loop``: the name is the image, as no device is known before there is one. ``mount``: the name is
the mount point, which goes as well.
"""


def _take_down(entry: Entry) -> Removal:
    record = entry.record
    try:
        if record.kind not in REMOVERS:
            raise RunError("this loadstone knows no such kind")
        REMOVERS[record.kind](record.name, record.detail)
        entry.strike()
    except LoadstoneError as error:
        return Removal(entry=entry, problem=_problem(entry, str(error)))
    except OSError as error:
        return Removal(entry=entry, problem=_problem(entry, system_words(error.errno or 0)))
    return Removal(entry=entry, problem=None)


def _problem(entry: Entry, why: str) -> str:
    what = f"{entry.record.kind} {entry.record.name}"
    shown = what if what.isprintable() else ascii(what)
    return f"{shown} was left: {why}; see to it by hand, then delete {entry.path}"


def _read(path: Path) -> Entry | None:
    """An Entry, or None where its process has struck it meanwhile."""
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
    if record.boot not in ("", _boot()) or not 0 < record.pid <= 1 << 22:
        return False
    try:
        return _start(record.pid) == record.pid_start
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ESRCH)


def _start(pid: int) -> int:
    """When a process started, in clock ticks since boot; -1 for a zombie, which holds nothing."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return -1 if fields[0] in (b"Z", b"X") else int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
