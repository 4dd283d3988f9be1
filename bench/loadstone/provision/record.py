"""What the journal has of one thing that was set up, and of the process that did it."""

import hashlib
import os
from pathlib import Path

from loadstone.durable import cannot_write, sync_directory
from loadstone.model import Noun
from loadstone.provision.journal_lock import JournalLock

LOCAL = "local"
"""The Target that is this machine."""


class Record(Noun, frozen=True, kw_only=True):
    """One thing that was set up, as its journal file has it.

    ``name`` is an absolute path or a device, ``target`` the name of the Target that has it;
    ``detail`` is what its remover needs besides. ``pid_start``, in clock ticks from ``boot`` (a
    boot id), tells the process from a later one with the same pid: lab guests boot alike to the
    tick. Both mean this only in ``namespaces``. Source: proc_pid_stat(5), field 22.

    ``host`` is the machine of the process, ``lock`` the path of the file that it holds locked as
    long as it lives, with the ``lock_device`` and ``lock_inode`` that tell the file from a copy;
    they are empty where the file system has no locks, and in Records of earlier versions.
    """

    kind: str
    name: str
    pid: int
    pid_start: int
    detail: str = ""
    boot: str = ""
    target: str = LOCAL
    host: str = ""
    namespaces: str = ""
    lock: str = ""
    lock_device: int = 0
    lock_inode: int = 0

    @staticmethod
    def of_this_process(
        kind: str, name: str, detail: str, target: str, lock: JournalLock | None
    ) -> "Record":
        """What this process is about to set up."""
        return Record(
            kind=kind,
            name=name,
            pid=os.getpid(),
            pid_start=process_start("self"),
            detail=detail,
            boot=boot_id(),
            target=target,
            host=host_name(),
            namespaces=own_namespaces(),
            lock=path_text(lock.path) if lock else "",
            lock_device=lock.device if lock else 0,
            lock_inode=lock.inode if lock else 0,
        )


class Entry(Noun, frozen=True, kw_only=True):
    """A Record and the journal file that holds it.

    ``distrust`` says why somebody else can have written a file that was found; empty where nobody
    can, or it was not asked.
    """

    path: Path
    record: Record
    distrust: str = ""

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


def path_text(path: Path) -> str:
    """An absolute path as a Record has it, which is UTF-8 whatever the path is."""
    return os.fsencode(path.absolute()).decode(errors="backslashreplace")


def process_start(pid: int | str) -> int:
    """When a process started, in clock ticks since boot; -1 for a zombie, which holds nothing."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return -1 if fields[0] in (b"Z", b"X") else int(fields[19])


def boot_id() -> str:
    """Of the running kernel; no two boots have the same."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def host_name() -> str:
    """The running machine: its name, and a digest of its machine id where it has one.

    The id itself is not to be told to others. Source: machine-id(5).
    """
    try:
        machine_id = Path("/etc/machine-id").read_bytes().strip()
    except OSError:
        machine_id = b""
    digest = hashlib.sha256(b"loadstone " + machine_id).hexdigest()[:16] if machine_id else ""
    return f"{os.uname().nodename} {digest}"


def own_namespaces() -> str:
    """Those in which this process's number and start time are told: ``pid:[4026531836] …``.

    Source: pid_namespaces(7), and time_namespaces(7), which moves the start times of processes.
    """
    links = (Path("/proc/self/ns", name) for name in ("pid", "time"))
    return " ".join(str(link.readlink()) for link in links if link.is_symlink())
