"""A process whose memory is known, page by page: see known_process.c."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone.pages.counts import KindCount
from loadstone.pages.look import Algorithm, Bounds, NotSeen, ProcessPages, look_at
from loadstone.pages.processes import Process, list_processes
from loadstone.provision.zram_device import ZramDevice
from loadstone.targets import Target

RANDOM, TEXT, SAME, ZERO = 256, 256, 64, 64
UNREAD, NAMED = 64, 24
SHARED, MEMFD, COW = 96, 48, 1
ANONYMOUS = RANDOM + TEXT + SAME + ZERO
SOME = 40
"""More pages than the C library has for itself, with those that have a name where names are."""

LZ4 = Algorithm(name="lz4")
WHOLE = Bounds(most_pages=None)
THRESHOLDS = (3257, 3625)

_SOURCE = Path(__file__).with_name("known_process.c")


def build(directory: Path) -> Path:
    """The program."""
    program = directory / "known-process"
    subprocess.run(["cc", "-O1", "-std=gnu11", "-o", program, _SOURCE], check=True)
    return program


@contextlib.contextmanager
def running(program: Path, mode: str = "still", *before: str) -> Iterator[int]:
    """The PID of the process, which is ready and ends with the context."""
    words = (*before, str(program), mode)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                pytest.skip(f"{mode}: this kernel refuses what it takes (exit {process.wait()})")
            yield process.pid
        finally:
            process.kill()


def process_of(target: Target, pid: int) -> Process:
    return next(process for process in list_processes(target) if process.pid == pid)


def look(
    target: Target,
    pid: int,
    algorithm: Algorithm = LZ4,
    bounds: Bounds = WHOLE,
    known: tuple[str, ...] = (),
    zram: ZramDevice | None = None,
) -> ProcessPages | NotSeen:
    """Look at a process that is alive."""
    return look_at(target, process_of(target, pid), algorithm, bounds, THRESHOLDS, known, zram)


def seen(target: Target, pid: int, **options: object) -> ProcessPages:
    """The same, where it has to be seen."""
    found = look(target, pid, **options)  # type: ignore[arg-type]  # each goes to one parameter
    assert isinstance(found, ProcessPages), found
    return found


def kind(found: ProcessPages, name: str, is_shared: bool = False) -> KindCount:
    return next(one for one in found.kinds if (one.name, one.is_shared) == (name, is_shared))


def rollup(pid: int, name: str) -> int:
    """A sum over all areas of a process, in pages, by the kernel."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    return kib * 1024 // os.sysconf("SC_PAGESIZE")
