"""The command as a user has it: a process of its own, on real files, that leaves nothing."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

MIB = 1 << 20
NOBODY = 65534
_MARK = "LOADSTONE_TEST_MARK"
_LIMIT_S = 60
_IN_MEMORY = ("tmpfs", "ramfs", "overlay")


class Done:
    """What a command came to."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out.decode(errors="surrogateescape")
        self.err = err.decode(errors="surrogateescape")

    @property
    def complaint(self) -> str:
        """The one line that says what went wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("loadstone: ")]
        assert len(lines) == 1, self.err
        assert self.err.splitlines()[-1] == lines[0], self.err
        return lines[0].removeprefix("loadstone: ")


class Command:
    """Runs ``loadstone`` in a directory, and knows which processes come of it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.results = place / "results"
        self._mark = uuid.uuid4().hex
        # Unbuffered, Python would meet a full or closed stream earlier than users have it.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("LOADSTONE_") and name != "PYTHONUNBUFFERED"
        }
        self.environment = {**kept, _MARK: self._mark}

    def __call__(
        self,
        *words: str | Path | bytes,
        before: tuple[str, ...] = (),
        program: tuple[str, ...] = (sys.executable, "-m", "loadstone.cli"),
        env: dict[str, str] | None = None,
        stdout: int | None = subprocess.PIPE,
    ) -> Done:
        """Run to the end."""
        process = self.start(*words, before=before, program=program, env=env, stdout=stdout)
        out, err = process.communicate(timeout=_LIMIT_S)
        return Done(process.returncode, out, err)

    def start(
        self,
        *words: str | Path | bytes,
        before: tuple[str, ...] = (),
        program: tuple[str, ...] = (sys.executable, "-m", "loadstone.cli"),
        env: dict[str, str] | None = None,
        stdout: int | None = subprocess.PIPE,
    ) -> "subprocess.Popen[bytes]":
        """Begin; ``before`` are words that run the command (strace, prlimit, …)."""
        return subprocess.Popen(
            [*before, *program, *words],
            cwd=self.place,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )

    def processes(self) -> list[psutil.Process]:
        """Those that came of any of the commands and still are."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(_MARK) == self._mark:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def jobs(self) -> list[psutil.Process]:
        """Those that carry out a Job: children of a worker."""
        found = []
        for process in self.processes():
            try:
                parent = process.parent()
                if parent and "loadstone.core.worker" in parent.cmdline():
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def litter(self, results: Path | None = None) -> list[str]:
        """Whatever lies in the results directory but Runs."""
        results = results or self.results
        return [path.name for path in results.glob("*") if path.name != "runs"]

    def trials(self, results: Path | None = None) -> list[bytes]:
        """The lines on disk of the only Run."""
        paths = list((results or self.results).glob("runs/*/trials.jsonl"))
        return paths[0].read_bytes().splitlines() if paths else []

    def check_nothing_is_left(self) -> None:
        """No process, no scratch, no journal."""
        until(lambda: not self.processes(), "the processes to be gone")
        assert not self.litter()
        assert not list(self.place.glob("**/loadstone-*"))


def until(condition: Callable[[], object], what: str, limit_s: float = 20) -> None:
    """Wait for what must come."""
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, f"waited {limit_s} s for {what}"
        time.sleep(0.01)


def write_model(path: Path, size_bytes: int) -> Path:
    """Make a file of incompressible bytes, always the same."""
    path.write_bytes(random.Random(size_bytes).randbytes(size_bytes))
    return path


@contextlib.contextmanager
def on_a_disk(path: Path) -> Iterator[Path]:
    """``path``, or where that is memory an empty directory elsewhere."""
    mounts = sorted(psutil.disk_partitions(all=True), key=lambda mount: len(mount.mountpoint))
    holds = [mount for mount in mounts if path.is_relative_to(mount.mountpoint)]
    if not holds or holds[-1].fstype not in _IN_MEMORY:
        yield path
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


def let_everybody_pass(place: Path) -> None:
    """Open pytest's directories on the way to ``place``: a session's, a process's, a test's."""
    for directory in (place, *place.parents):
        if directory.name.startswith(("pytest-", "popen-", "test_")):
            directory.chmod(0o755)


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where a program is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"apt-get install {' '.join(missing)}")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts or changes users: run as root")
