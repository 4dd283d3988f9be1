"""The ``adb`` program: one command at a time on one device, each word quoted for its shell."""

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstone.errors import CannotMeasureError, TargetError, TargetLostError
from loadstone.model import Noun
from loadstone.programs import find_program, run_bytes
from loadstone.targets.shell import ShellEnd, hold, last_words
from loadstone.text import printable

DEVICE_DIRECTORY = "/data/local/tmp"
"""The directory of a device where a pushed program may run, and files may be made."""

LOST_REMEDY = "see that its cable, battery and adbd hold"
"""What to check where a device went away."""

# shell_v2, which keeps exit codes and standard error apart, came with it (Android 7).
_OLDEST = (1, 0, 36)
_LAST_LINES = 3
_ANSWER_LIMIT_S = 10.0
# adb's client ends with exit code 0 where the connection does: the shell has the last word.
_END = "loadstone-ended"


class AdbResult(Noun, frozen=True, kw_only=True):
    """Exit code and output of an adb command, or of one on the device."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The last lines of its error output, joined; push has its errors on stdout."""
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines()]
        errors = [line for line in lines if "error:" in line]
        return "; ".join((errors or lines)[-_LAST_LINES:]) or f"exit code {self.code}"


def is_network(serial: str) -> bool:
    """Whether a serial is an address, which adb can connect to anew by itself."""
    return re.fullmatch(r"\S+:\d{1,5}", serial) is not None


def is_announced(serial: str) -> bool:
    """Whether a serial is the name of a service in the network (mDNS), such as wireless debugging
    has; the server connects to it by itself whenever it is announced."""
    return serial.endswith(("._adb-tls-connect._tcp", "._adb._tcp"))


def require_adb() -> Path:
    """Where adb is.

    Raises:
        CannotMeasureError: nowhere, or it is too old to report exit codes.
    """
    program = find_program("adb")
    if program is None:
        raise CannotMeasureError(
            "no program adb here",
            remedy="install the Debian package adb, or Android's platform-tools, "
            "and have it in PATH",
        )
    result = run_adb([str(program), "version"], 30.0)
    version = re.search(r"version (\d+)\.(\d+)\.(\d+)", result.out)
    if version is None:
        raise CannotMeasureError(
            f"{program} version: {result.message}",
            remedy="have Android's adb before it in PATH (the Debian package adb)",
        )
    if tuple(map(int, version.groups())) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise CannotMeasureError(
            f"{program} is version {'.'.join(version.groups())}, which reports no exit codes",
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

    def shell(self, *words: str, limit_s: float = 60.0) -> AdbResult:
        """Run a command on the device to its end, by the device's shell.

        Raises:
            TargetLostError: the device is not there any more.
            TargetError: no answer in time.
        """
        result = run_adb(self.shell_argv(_with_end(words)), limit_s)
        out, mark, code = result.out.rpartition(f"\n{_END} ")
        if not mark:
            ended = f"the connection ended ({self.state()})"
            raise self.lost_error(result.message if result.code else ended)
        return AdbResult(code=int(code), out=out, err=result.err)

    def run_shell(
        self, words: Sequence[str], limit_s: float, check: Callable[[], None]
    ) -> ShellEnd:
        """Run words that end when their standard input does; see ``loadstone.targets.shell``.

        Args:
            check: is called before it and again and again meanwhile, and may raise to end it.

        Raises:
            TargetLostError: the device is not there any more.
        """
        held = hold(self.shell_argv(_with_end(words)), limit_s, check=check)
        words_of_it = last_words(held.last_err)
        _, mark, code = held.out.decode(errors="replace").rpartition(f"\n{_END} ")
        if held.is_late and (mark or self.answers()):
            return ShellEnd(status=None, last_words=words_of_it)
        if not mark:
            raise self.lost_error(words_of_it or f"the connection ended ({self.state()})")
        return ShellEnd(status=int(code), last_words=words_of_it)

    def push(self, source: Path, path: str, limit_s: float = 600.0) -> AdbResult:
        """Copy a file to the device; a failure is returned, not raised.

        Raises:
            TargetLostError: the device is not there any more.
        """
        result = self._run("push", str(source), path, limit_s=limit_s)
        if result.code and (state := self.state()) != "device":
            raise self.lost_error(f"{result.message} ({state})")
        return result

    def features(self) -> frozenset[str]:
        """The features that adb and adbd share (``shell_v2``, …)."""
        return frozenset(self._run("features").out.split())

    def state(self) -> str:
        """``device``, or why the device can't be worked with; costs the device nothing."""
        result = self._run("get-state", limit_s=10.0)
        return result.out.strip() if result.code == 0 else result.message

    def restart_as_root(self, limit_s: float) -> AdbResult:
        """Restart adbd as root, and wait for it; the result of ``adb root``."""
        result = self._run("root", limit_s=limit_s)
        self.reconnect()
        self._run("wait-for-device", limit_s=limit_s)
        return result

    def reconnect(self) -> None:
        """Where it is reached by network and away, have the server connect to it again."""
        if is_network(self.serial) and self.state() != "device":
            for verb in ("disconnect", "connect"):
                run_adb([self._program, verb, self.serial], 20.0)

    def answers(self) -> bool:
        """Whether the device runs a command now; the server may not know yet that it is gone."""
        try:
            return self.shell("true", limit_s=_ANSWER_LIMIT_S).code == 0
        except TargetError:
            return False

    def lost_error(self, how: str) -> TargetLostError:
        """The error to raise where the device is gone, and how that showed."""
        return TargetLostError(f"adb:{printable(self.serial)} went away: {how}", remedy=LOST_REMEDY)

    def _run(self, *words: str, limit_s: float = 60.0) -> AdbResult:
        return run_adb([self._program, "-s", self.serial, *words], limit_s)


def _with_end(words: Sequence[str]) -> str:
    return f"{shlex.join(words)}\necho '\n{_END}' $?"


def run_adb(argv: Sequence[str], limit_s: float) -> AdbResult:
    """Run an adb command to its end.

    Raises:
        TargetError: no answer in time.
    """
    try:
        done = run_bytes(argv, limit_s)
    except CannotMeasureError as error:
        raise TargetError(
            f"adb {shlex.join(argv[1:])[:200]}: no answer within {limit_s:g} s",
            remedy="see what `adb devices` says; `adb kill-server` restarts adb's server",
        ) from error
    return AdbResult(
        code=done.returncode,
        out=done.stdout.decode(errors="surrogateescape"),
        err=done.stderr.decode(errors="replace"),
    )
