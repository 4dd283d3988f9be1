"""The ``adb`` program: one command at a time on one device, its words kept apart."""

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.model import Noun
from loadstone.programs import find_program
from loadstone.text import printable

PLACE = "/data/local/tmp"
"""Where a program that was pushed may run, and files may be made."""

# shell_v2, which keeps exit codes and standard error apart, came with it (Android 7).
_OLDEST = (1, 0, 36)
_LAST_LINES = 3
_ANSWER_LIMIT_S = 10.0
# adb's client ends with exit code 0 where the connection does: the shell has the last word.
_END = "loadstone-ended"


class Said(Noun, frozen=True, kw_only=True):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last of what it complained of, in one line; push and pull do so on stdout."""
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines()]
        errors = [line for line in lines if "error:" in line]
        return "; ".join((errors or lines)[-_LAST_LINES:]) or f"exit code {self.code}"


def is_network(serial: str) -> bool:
    """Whether a serial is an address, which adb can connect to anew by itself."""
    return re.fullmatch(r"\S+:\d{1,5}", serial) is not None


def require_adb() -> Path:
    """Where adb is.

    Raises:
        CannotMeasureError: nowhere, or it is too old to tell exit codes.
    """
    program = find_program("adb")
    if program is None:
        raise CannotMeasureError(
            "no program adb here",
            remedy="install the Debian package adb, or Android's platform-tools, "
            "and have it in PATH",
        )
    said = run_adb([str(program), "version"], 30.0)
    version = re.search(r"version (\d+)\.(\d+)\.(\d+)", said.out)
    if version is None:
        raise CannotMeasureError(
            f"{program} version: {said.last_words}", remedy="is this Android's adb?"
        )
    if tuple(map(int, version.groups())) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise CannotMeasureError(
            f"{program} is version {'.'.join(version.groups())}, which tells no exit codes",
            remedy=f"install {oldest} or later (platform-tools 24)",
        )
    return program


class Bridge:
    """Commands to one device. Every word of a command reaches the device as it is."""

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self._program = str(require_adb())

    def shell_argv(self, command: str) -> list[str]:
        """The local command that carries out a shell command on the device, without a tty."""
        return [self._program, "-s", self.serial, "shell", "-T", command]

    def shell(self, *words: str, limit_s: float = 60.0) -> Said:
        """Run a command of the device to its end; a shell of the device reads the words.

        Raises:
            TargetLostError: the device is not there any more.
            TargetError: no answer in time.
        """
        command = f"{shlex.join(words)}\necho '\n{_END}' $?"
        said = run_adb(self.shell_argv(command), limit_s)
        out, mark, code = said.out.rpartition(f"\n{_END} ")
        if not mark:
            ended = f"the connection ended ({self.state()})"
            raise self.lost_error(said.last_words if said.code else ended)
        return Said(code=int(code), out=out, err=said.err)

    def push(self, source: Path, path: str, limit_s: float = 600.0) -> Said:
        """Copy a file to the device; what came of it is told, not raised.

        Raises:
            TargetLostError: the device is not there any more.
        """
        return self._transfer("push", str(source), path, limit_s)

    def pull(self, path: str, destination: Path, limit_s: float = 600.0) -> Said:
        """Copy a file of the device; as ``push``."""
        return self._transfer("pull", path, str(destination), limit_s)

    def features(self) -> frozenset[str]:
        """What both ends can do (``shell_v2``, …)."""
        return frozenset(self._asked("features").out.split())

    def state(self) -> str:
        """``device``, or why the device can't be worked with; costs the device nothing."""
        said = self._asked("get-state", limit_s=10.0)
        return said.out.strip() if said.code == 0 else said.last_words

    def restart_as_root(self, limit_s: float) -> Said:
        """Have adbd start anew as root, and wait for it; what adb said of it."""
        said = self._asked("root", limit_s=limit_s)
        self.reconnect()
        self._asked("wait-for-device", limit_s=limit_s)
        return said

    def reconnect(self) -> None:
        """Where it is one of the network and away, have the server connect to it once more."""
        if is_network(self.serial) and self.state() != "device":
            for verb in ("disconnect", "connect"):
                run_adb([self._program, verb, self.serial], 20.0)

    def answers(self) -> bool:
        """Whether the device itself does, which the server may not know yet."""
        try:
            return self.shell("true", limit_s=_ANSWER_LIMIT_S).code == 0
        except TargetError:
            return False

    def lost_error(self, how: str) -> TargetLostError:
        """The error to raise where the device is gone, and how that showed."""
        return TargetLostError(f"adb:{printable(self.serial)} went away: {how}")

    def _transfer(self, verb: str, source: str, destination: str, limit_s: float) -> Said:
        said = self._asked(verb, source, destination, limit_s=limit_s)
        if said.code and (state := self.state()) != "device":
            raise self.lost_error(f"{said.last_words} ({state})")
        return said

    def _asked(self, *words: str, limit_s: float = 60.0) -> Said:
        return run_adb([self._program, "-s", self.serial, *words], limit_s)


def run_adb(argv: Sequence[str], limit_s: float) -> Said:
    """Run an adb command to its end.

    Raises:
        TargetError: no answer in time.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(
            f"adb {shlex.join(argv[1:])[:200]}: no answer within {limit_s:g} s"
        ) from error
    return Said(
        code=done.returncode,
        out=done.stdout.decode(errors="surrogateescape"),
        err=done.stderr.decode(errors="replace"),
    )
