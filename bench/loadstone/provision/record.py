"""What the journal has of one thing that was set up, and of the process that did it."""

import os
from pathlib import Path

from loadstone.durable import cannot_write, sync_directory
from loadstone.model import Noun

LOCAL = "local"
"""The Target that is this machine."""


class Record(Noun, frozen=True, kw_only=True):
    """One thing that was set up, as its journal file has it.

    ``name`` is an absolute path or a device, ``target`` the name of the Target that has it;
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

    @staticmethod
    def of_this_process(kind: str, name: str, detail: str, target: str) -> "Record":
        """What this process is about to set up."""
        pid = os.getpid()
        return Record(
            kind=kind,
            name=name,
            pid=pid,
            pid_start=process_start(pid),
            detail=detail,
            boot=boot_id(),
            target=target,
        )


class Entry(Noun, frozen=True, kw_only=True):
    """A Record and the journal file that holds it."""

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


def process_start(pid: int) -> int:
    """When a process started, in clock ticks since boot; -1 for a zombie, which holds nothing."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return -1 if fields[0] in (b"Z", b"X") else int(fields[19])


def boot_id() -> str:
    """Of the running kernel; no two boots have the same."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
