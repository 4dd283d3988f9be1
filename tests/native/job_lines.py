"""``loadstone-agent`` as a Target talks to it: Jobs as lines, Outcomes as lines."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from loadstone.model import Job, Outcome
from loadstone.targets.android.wire import Hello, job_line, read_hello, read_outcome

ROOT = Path(__file__).parents[2]

EMULATORS = {"aarch64": "qemu-aarch64-static", "armv7": "qemu-arm-static", "x86_64": ""}
"""What runs each architecture's agent here: nothing, where it is this machine's."""

_SANITIZERS = "exitcode=99:detect_leaks=1"


class Session(NamedTuple):
    """What an agent said to some lines."""

    hello: Hello
    outcomes: list[Outcome]
    code: int
    errors: str


class Agent(NamedTuple):
    """A built agent, and the words that stand before it."""

    path: Path
    prefix: tuple[str, ...] = ()

    def start(self) -> subprocess.Popen[bytes]:
        environment = os.environ | dict.fromkeys(("ASAN_OPTIONS", "UBSAN_OPTIONS"), _SANITIZERS)
        return subprocess.Popen(
            [*self.prefix, str(self.path)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def say(self, *lines: bytes, end: bytes = b"\n") -> Session:
        """Hand it these lines and wait for its end."""
        process = self.start()
        said, errors = process.communicate(b"\n".join(lines) + end, timeout=120)
        hello, *outcomes = said.splitlines()
        return Session(
            read_hello(hello),
            [read_outcome(line) for line in outcomes],
            process.returncode,
            errors.decode(),
        )

    def execute(self, job: Job) -> Outcome:
        session = self.say(job_line(job), end=b"")
        (outcome,) = session.outcomes
        assert session.code == (outcome.error is not None or outcome.crash is not None)
        assert not session.errors
        return outcome


def need_emulator(architecture: str) -> str:
    emulator = EMULATORS[architecture]
    if emulator and not shutil.which(emulator):
        pytest.skip(f"needs {emulator}: apt-get install qemu-user-static")
    return emulator
