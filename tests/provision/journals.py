"""Journals as tests have them: of processes that are killed, and of Targets that are away."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from loadstone.core import native
from loadstone.errors import UsageError
from loadstone.model import Job, Outcome
from loadstone.provision.journal import Journal
from loadstone.provision.leftovers import clean
from loadstone.provision.record import Entry
from loadstone.provision.removal import Connection

SET_UP = """
import sys, time
from pathlib import Path
from loadstone.provision.journal import Journal
journal = Journal(Path(sys.argv[1]))
for name in sys.argv[2:]:
    journal.entry("file", name)
    Path(name).touch()
print("ready", flush=True)
time.sleep(600)
"""


def running(results: Path, *names: Path, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """A process that has set up files; ``before`` are words that run it (unshare, strace, …)."""
    command = [*before, sys.executable, "-c", SET_UP, str(results), *map(str, names)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def orphan(entry: Entry, **changes: object) -> None:
    """Make an entry of this process look like one of a process that has died, without locks."""
    record = msgspec.structs.replace(entry.record, **{"pid_start": 1, "lock": "", **changes})
    entry.path.write_bytes(msgspec.json.encode(record))


def problems(results: Path) -> list[str]:
    return [removal.problem or "" for removal in clean(results)]


class Phones:
    """Targets that can be reached, by name; what each was asked, and how often it was reached."""

    def __init__(self, *names: str) -> None:
        self.jobs: dict[str, list[Job]] = {name: [] for name in names}
        self.reached: list[str] = []
        self.dies_after = 1 << 30

    @contextlib.contextmanager
    def reach(self, name: str) -> Iterator[Connection]:
        self.reached.append(name)
        if name not in self.jobs:
            raise UsageError(f"--target {name}: is not connected; plug it in")
        yield Connection(execute=lambda job: self._execute(name, job))

    def _execute(self, name: str, job: Job) -> Outcome:
        if len(self.jobs[name]) >= self.dies_after:
            return Outcome(crash="the connection broke", target_lost=True)
        self.jobs[name].append(job)
        return native.run_job(job)


def left_on(results: Path, target: str, kind: str, name: str, detail: str = "") -> Entry:
    """An entry of a process that has died, for a thing on another Target."""
    entry = Journal(results).entry("file", "/loadstone-x")
    orphan(entry, kind=kind, name=name, detail=detail, target=target)
    return entry
