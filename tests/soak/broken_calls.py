"""A Job in which one system call fails: which calls the core makes, and what becomes of it then."""

import itertools
import json
import os
import re
import signal
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from loadstone.model import Job

# one_job.c calls it right before the core begins, and right after.
_MARK = "getpgrp()"
_LIMIT_S = 30
_LINE = re.compile(r"(\d+) +(\w+)\(")
_BROKEN = "(INJECTED)"
_FUNCTION = re.compile(r"\((\w+)\+")
_SHOWN = 5
# What strace calls a system call that it does not know, and cannot break.
_UNKNOWN = "syscall_"


class Call(NamedTuple):
    """The ``number``-th call of this name that a thread makes, from 1, with libc's own start."""

    name: str
    number: int


class Site(NamedTuple):
    """Where in the program a system call is made: its name, and the stack of calls."""

    name: str
    stack: tuple[str, ...]

    @property
    def where(self) -> str:
        """The functions of the stack, the innermost first."""
        return " < ".join(_FUNCTION.findall("\n".join(self.stack))[:_SHOWN])


class Failure(NamedTuple):
    """The core's error; ``code`` is the errno."""

    code: int
    step: str
    path: str


class Result(NamedTuple):
    """What became of a Job: how its process ended, what it answered, and whether a call failed."""

    code: int
    answer: dict[str, Any] | None
    said: str
    was_broken: bool

    @property
    def values(self) -> dict[str, int]:
        """The figures of the answer."""
        return dict(self.answer["values"]) if self.answer else {}

    @property
    def failure(self) -> Failure | None:
        """The error of the answer."""
        error = self.answer["error"] if self.answer else None
        return error and Failure(abs(error["code"]), error["step"], error["path"])


class Tracer(NamedTuple):
    """Runs the program of one_job.c under strace."""

    program: Path
    log: Path

    def sites(self, job: Job) -> dict[Site, list[Call]]:
        """Where the core makes a system call in this Job, and which calls are made there."""
        result = self.run(job, "-k")
        assert result.code == 0, result.said
        found: dict[Site, list[Call]] = {}
        for site, call in _calls(self.log.read_text(errors="replace").splitlines()):
            if not site.name.startswith(_UNKNOWN):
                found.setdefault(site, []).append(call)
        return found

    def break_call(self, job: Job, call: Call, error: str) -> Result:
        """Carry out the Job with one call failing in each thread that makes it as often."""
        return self.run(job, "-e", f"inject={call.name}:error={error}:when={call.number}")

    def run(self, job: Job, *options: str) -> Result:
        """Carry out a Job; ``options`` are strace's."""
        words = [f"{key}={value}" for key, value in job.options.items()]
        words += [f"sample={path}" for path in job.samples]
        strace = ("strace", "-f", "-qq", "-o", str(self.log), *options)
        process = subprocess.Popen(
            [*strace, str(self.program), f"operation={job.operation}", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        out, err = _communicate(process)
        lines = _within(self.log.read_text(errors="replace").splitlines())
        return Result(
            code=process.returncode,
            answer=json.loads(out) if out else None,
            said=(out + err).decode(errors="replace"),
            was_broken=any(_BROKEN in line for line in lines),
        )


def _communicate(process: "subprocess.Popen[bytes]") -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=_LIMIT_S)
    except subprocess.TimeoutExpired:
        # strace alone would leave what it traces behind.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise


def _within(lines: list[str]) -> list[str]:
    """Those between the marks; to the end, where the second is missing."""
    marks = [number for number, line in enumerate(lines) if _MARK in line]
    return lines[marks[0] : marks[1] if len(marks) > 1 else None] if marks else []


def _calls(lines: list[str]) -> Iterator[tuple[Site, Call]]:
    within = _within(lines)
    begin = lines.index(within[0])
    counts: Counter[tuple[str, str]] = Counter()
    for number, line in enumerate(lines[: begin + len(within)]):
        if found := _LINE.match(line):
            thread, name = found.groups()
            counts[thread, name] += 1
            if number > begin:
                frames = itertools.takewhile(
                    lambda text: text.startswith(" > "), lines[number + 1 :]
                )
                yield Site(name, tuple(frames)), Call(name, counts[thread, name])


def errors_of_calls() -> dict[str, list[str]]:
    """By system call, the errors that its manual page names."""
    table = tomllib.loads(Path(__file__).with_name("errors.toml").read_text())
    return {name: entry["errors"] for name, entry in table.items()}
