"""The lab's command, for tests that boot guests."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commands import Command, Done
from loadstone.lab.command import hidden, own_paths, script, virtme_argv
from loadstone.lab.directory import lab_directory
from loadstone.lab.guest import Guest
from loadstone.lab.kernels import Kernel, stage
from loadstone.lab.machine import ClockKind, make_machine
from loadstone.provision.journal import Journal

REPOSITORY = Path(__file__).parents[2]
OLD, NEW = "bookworm", "trixie-backports"
_LIMIT_S = 1200
_MEMORY_BYTES = 3 << 30


class Lab:
    """``loadstone lab run`` in a directory of its own, with the kernels fetched."""

    def __init__(self, place: Path, cache: Path, kernels: Callable[[str], Kernel]) -> None:
        self.command = Command(place)
        self.command.environment["LOADSTONE_CACHE"] = str(cache)
        self._kernels = kernels

    def __call__(self, *words: str | Path, kernel: tuple[str, ...] = (NEW,)) -> dict[str, Any]:
        """Run to a good end, and return what ``--json`` printed."""
        done = self.run(*words, "--json", kernel=kernel)
        assert done.code == 0, done.err
        said: dict[str, Any] = json.loads(done.out)
        return said

    def run(self, *words: str | Path, kernel: tuple[str, ...] = (NEW,)) -> Done:
        """Run to whatever end."""
        process = self.start(*words, kernel=kernel)
        out, err = process.communicate(timeout=_LIMIT_S)
        return Done(process.returncode, out, err)

    def start(
        self, *words: str | Path, kernel: tuple[str, ...] = (NEW,)
    ) -> "subprocess.Popen[bytes]":
        """Begin; ``kernel`` are suites."""
        for name in kernel:
            self._kernels(name)
        chosen = [f"--kernel={name}" for name in kernel]
        return self.command.start("lab", "run", *words, *chosen)


def carried_out(kernel: Kernel, place: Path, body: str, limit_s: float) -> list[str]:
    """What a shell script says that a guest runs as root; it sees this repository."""
    machine = make_machine(ClockKind.WALL, _MEMORY_BYTES, kernel.architecture, None, "")
    with Journal(place) as journal, lab_directory(journal) as directory:
        image = stage(kernel, directory)
        modules = directory / "lib" / "modules" / kernel.release
        named = [] if kernel.modules is None else [kernel.modules]
        shares = hidden([*own_paths(), REPOSITORY, place, *named, directory])
        argv = virtme_argv(machine, image, directory, shares)
        with Guest(
            argv, script(shares, modules, body), directory, lambda _: None, limit_s
        ) as guest:
            return [line.decode(errors="replace") for line in guest.lines()]
