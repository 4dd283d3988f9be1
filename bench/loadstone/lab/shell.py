"""A shell in a guest, with the storage set up and ``loadstone`` on PATH."""

import os
import subprocess
from pathlib import Path

from loadstone.lab.command import guest_place, script
from loadstone.lab.kernels import Kernel
from loadstone.lab.parts import assignment_script, boot_parts
from loadstone.lab.protocol import Assignment
from loadstone.lab.setup import Setup
from loadstone.provision.journal import Journal
from loadstone.runs.results_directory import results_lock


def run_shell(kernel: Kernel, setup: Setup, results: Path) -> int:
    """Boot a kernel with a shell on this terminal, until the user leaves it.

    Returns:
        The exit code of virtme-run.
    """
    assignment = Assignment(
        storage=setup.storage,
        file_system=setup.file_system,
        memory_bytes=setup.machine.memory_bytes,
        modules=tuple(module.file.name for module in kernel.own),
    )
    with (
        results_lock(results),
        Journal(results) as journal,
        boot_parts(kernel, assignment, setup.machine, journal, results) as parts,
    ):
        login = parts.directory / "login"
        body = assignment_script(assignment, parts.own, "--shell")
        login.write_text(f"#!/bin/sh\n{script(parts.shares, parts.modules, body)}")
        login.chmod(0o700)
        # At a fixed path: its own may have characters that a kernel's command line cannot.
        place = guest_place(len(parts.shares))
        argv = [*parts.argv, f"--rodir={place}={parts.directory}", "--shell", f"{place}/login"]
        environment = {**os.environ, "TMPDIR": str(parts.directory)}
        return subprocess.call(argv, env=environment)
