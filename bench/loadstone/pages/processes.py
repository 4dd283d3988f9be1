"""Which processes are meant: by PID, by name, or all that have memory of their own."""

import os
import re
from collections.abc import Iterator, Sequence

from loadstone.errors import UsageError
from loadstone.model import Noun
from loadstone.targets import Target
from loadstone.text import did_you_mean, printable

_STAT = re.compile(r"\d+ \((?P<name>.*)\) (?P<state>\S) (?P<parent>\d+) (?P<fields>.*)", re.DOTALL)
# Of the fields behind the parent's PID, counted from 0: proc_pid_stat(5).
_FLAGS, _START = 4, 17
_KERNEL_THREAD = 0x00200000
_ENDED = "ZXx"
_AGENT = "loadstone-agent"


class Process(Noun, frozen=True, kw_only=True):
    """A process that was alive when it was looked up.

    ``name`` is the kernel's, of at most 15 bytes; ``command`` is how it was called, and empty where
    that is not known. PID and ``start_ticks`` (since boot) say who it is.
    """

    pid: int
    name: str
    command: str
    start_ticks: int
    parent: int
    has_memory: bool


def find_processes(target: Target, wanted: Sequence[str]) -> tuple[Process, ...]:
    """Those that PIDs or names mean, in the order of their PIDs.

    A name is the kernel's (``comm``), the word that the process was called by, or that word's last
    part; several processes may have it.

    Raises:
        UsageError: one of the words means no process.
    """
    there = list_processes(target)
    found: dict[int, Process] = {}
    for word in wanted:
        matching = [process for process in there if _is_meant(process, word)]
        if not matching:
            raise _none_such(word, there)
        found |= {process.pid: process for process in matching}
    return tuple(found[pid] for pid in sorted(found))


def user_processes(target: Target) -> tuple[Process, ...]:
    """All that have memory of their own, without this program."""
    there = list_processes(target)
    own = _family(there, os.getpid()) if target.is_this_machine else set()
    return tuple(
        process
        for process in there
        if process.has_memory and process.pid not in own and process.name != _AGENT
    )


def list_processes(target: Target) -> tuple[Process, ...]:
    """All processes that the Target's user can see, in the order of their PIDs.

    Raises:
        TargetError: /proc cannot be listed there.
    """
    names = target.run_command("ls", "/proc").split()
    pids = sorted(int(name) for name in names if name.isdecimal())
    stats = target.read_texts([_stat(pid) for pid in pids])
    commands = target.read_texts([_command_line(pid) for pid in pids])
    return tuple(
        process
        for pid in pids
        if (process := _process(pid, stats.get(_stat(pid), ""), commands.get(_command_line(pid))))
    )


def _stat(pid: int) -> str:
    return f"/proc/{pid}/stat"


def _command_line(pid: int) -> str:
    return f"/proc/{pid}/cmdline"


def _process(pid: int, stat: str, command: str | None) -> Process | None:
    """None for one that ended meanwhile."""
    match = _STAT.match(stat)
    if match is None:
        return None
    fields = match["fields"].split()
    is_kernel_thread = int(fields[_FLAGS]) & _KERNEL_THREAD
    return Process(
        pid=pid,
        name=match["name"],
        command=(command or "").partition("\0")[0].strip(),
        start_ticks=int(fields[_START]),
        parent=int(match["parent"]),
        has_memory=not is_kernel_thread and match["state"] not in _ENDED,
    )


def _is_meant(process: Process, word: str) -> bool:
    if word.isdecimal():
        return process.pid == int(word)
    return process.has_memory and word in _names(process)


def _names(process: Process) -> Iterator[str]:
    yield process.name
    if process.command:
        yield process.command
        # What a process writes there itself may be a sentence: "postgres: checkpointer".
        yield process.command.split(maxsplit=1)[0].rpartition("/")[2].rstrip(":")


def _none_such(word: str, there: Sequence[Process]) -> UsageError:
    if word.isdecimal():
        return UsageError(f"there is no process {word}", remedy="`ps -e` lists those there are")
    names = {name for process in there if process.has_memory for name in _names(process)}
    return UsageError(
        f"there is no process {printable(word)!r}{did_you_mean(word, names)}",
        remedy="name one by its PID; `ps -e` lists them",
    )


def _family(there: Sequence[Process], root: int) -> set[int]:
    """A process and those that it started, and so on."""
    found = {root}
    # A child's PID may be smaller than its parent's.
    while more := {p.pid for p in there if p.parent in found and p.pid not in found}:
        found |= more
    return found
