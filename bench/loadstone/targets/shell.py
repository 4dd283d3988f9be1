"""Commands of the user's, run by a Target's shell so that nothing of one outlives it.

The shell that runs a command reads a pipe: where that ends, as it does with this process whatever
ends it, the command's process group is killed. So it is on a device at the other end of adb.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from loadstone.core.worker import describe_exit
from loadstone.errors import CannotMeasureError, system_words
from loadstone.interruption import uninterrupted
from loadstone.model import Noun
from loadstone.text import printable

LIMIT_S = 60.0
"""How long a command may take."""

# Descriptors 3 and 4 are the pipe and the command's standard error. What the shell itself says of
# killed jobs is nobody's concern. Until setsid has run there is no group yet, but the process. The
# reader has to die at once, or it would kill whoever has the number next: a shell that has just
# forked may lose a SIGTERM.
_HELD = """
exec 3<&0 4>&2 2>/dev/null
setsid sh -c "$1" </dev/null >/dev/null 2>&4 3<&- 4>&- &
command=$!
exec 4>&-
(read -r end; kill -KILL -"$command" || kill -KILL "$command") <&3 >/dev/null &
reader=$!
exec 3<&-
wait "$command"
code=$?
kill -KILL "$reader"
kill -KILL -"$command"
exit "$code"
"""
# To kill the group and to end, once its pipe has ended.
_GRACE_S = 5.0
# How often it is asked whether another thread has cancelled it.
_POLL_S = 0.25
_CHUNK_BYTES = 1 << 16
_LAST_BYTES = 4096
_LAST_LINES = 3
_MOST_CHARACTERS = 300
_SIGNALLED = 128


class ShellEnd(Noun, frozen=True, kw_only=True):
    """How a command ended: its exit status, None where it took too long and was killed.

    ``last_words`` are the last lines that it wrote to its standard error.
    """

    status: int | None
    last_words: str = ""

    @property
    def problem(self) -> str | None:
        """What went wrong, in words; None where nothing did."""
        if self.status == 0:
            return None
        if self.status is None:
            what = "it took too long, and was killed"
        else:
            # A shell's exit status for a command that a signal has ended.
            signalled = self.status > _SIGNALLED
            what = describe_exit(_SIGNALLED - self.status if signalled else self.status)
        return f"{what}: {self.last_words}" if self.last_words else what


RunShell = Callable[[str, str, float], ShellEnd]
"""Runs a command in a directory for no longer than some seconds; see ``Target.run_shell``."""


class Held(Noun, frozen=True, kw_only=True):
    """What came of a process that holds a command: exit code, and its output, whole and last."""

    code: int
    out: bytes
    last_err: bytes
    is_late: bool


def shell_words(command: str) -> tuple[str, ...]:
    """The words that run a command on any POSIX system that has ``setsid``."""
    return ("sh", "-c", _HELD, "sh", command)


def last_words(err: bytes) -> str:
    """The last lines of what a command wrote to its standard error, as one line."""
    lines = [line.strip() for line in err.decode(errors="replace").strip().splitlines()]
    return printable("; ".join(lines[-_LAST_LINES:]))[-_MOST_CHARACTERS:]


def run_here(
    command: str, directory: str, limit_s: float, check: Callable[[], None] = lambda: None
) -> ShellEnd:
    """Run a command by this machine's shell.

    Args:
        directory: that it starts in.
        check: is called before it and again and again meanwhile, and may raise to end it.

    Raises:
        CannotMeasureError: it cannot be started.
    """
    try:
        held = hold(shell_words(command), limit_s, directory, check)
    except OSError as error:
        raise CannotMeasureError(
            f"cannot start a shell in {printable(directory)}: {system_words(error.errno or 0)}",
            remedy="have that directory, and sh in PATH",
        ) from error
    return ShellEnd(
        status=None if held.is_late else _status(held.code), last_words=last_words(held.last_err)
    )


def _status(code: int) -> int:
    """As a shell tells it; negative is the signal that ended the shell itself."""
    return _SIGNALLED - code if code < 0 else code


def hold(
    words: Sequence[str],
    limit_s: float,
    directory: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> Held:
    """Run a process whose standard input ends when it has to; none of it is left afterwards.

    What it leaves in another session, with its standard error open, is not waited for.

    Raises:
        OSError: it cannot be started.
    """
    check()
    process = subprocess.Popen(
        words,
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        # Ctrl-C goes to the Run, which then ends this.
        start_new_session=True,
    )
    output = _Output(process)
    try:
        is_late = not output.read(limit_s, check)
    finally:
        with uninterrupted():
            _end(process, output)
    return Held(code=process.returncode, out=output.out, last_err=output.err, is_late=is_late)


class _Output:
    """What a process writes; its standard output ends with it, as nothing else has that."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.out = self.err = b""
        self._out_fd, self._err_fd = process.stdout.fileno(), process.stderr.fileno()
        self._selector = selectors.DefaultSelector()
        for fd in (self._out_fd, self._err_fd):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)

    def read(self, limit_s: float, check: Callable[[], None] = lambda: None) -> bool:
        """Read to the end of standard output.

        Returns:
            Whether that came within the limit.
        """
        end_s = time.monotonic() + limit_s
        while self._out_fd in self._selector.get_map():
            check()
            if (left_s := end_s - time.monotonic()) <= 0:
                return False
            for key, _ in self._selector.select(min(left_s, _POLL_S)):
                self._take(key.fd)
        # Before it ended it wrote, and that is there by now.
        while self._err_fd in self._selector.get_map() and self._take(self._err_fd):
            pass
        return True

    def close(self) -> None:
        self._selector.close()

    def _take(self, fd: int) -> bool:
        """Read what there is; whether there was any."""
        try:
            chunk = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._selector.unregister(fd)
        elif fd == self._out_fd:
            self.out = (self.out + chunk)[-_LAST_BYTES:]
        else:
            self.err = (self.err + chunk)[-_LAST_BYTES:]
        return bool(chunk)


def _end(process: "subprocess.Popen[bytes]", output: _Output) -> None:
    """End a process by the end of its standard input, or else by force."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        output.read(_GRACE_S)
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    output.close()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def user_here() -> str:
    """Who runs a command here."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def working_directory() -> str:
    """That of this process, in which its commands are run."""
    return str(Path.cwd())
