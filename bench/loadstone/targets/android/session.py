"""A running agent at the other end of ``adb shell``: a line in for a Job, a line out for it."""

import contextlib
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence

from loadstone.errors import TargetError

# While a Job takes its time, the server is asked now and then whether the device is there.
_PATIENCE_S = 5.0
_HELLO_LIMIT_S = 30.0
_LETTING_GO_S = 5.0
_CHUNK_BYTES = 1 << 16
_LAST_LINES = 3


class SessionEndedError(TargetError):
    """The agent's program has ended, or cannot be heard any more.

    ``code`` is that of ``adb shell``, None where it had to be ended from here.
    """

    def __init__(self, code: int | None, words: str) -> None:
        super().__init__(words or f"exit code {code}")
        self.code = code


class Session:
    """One ``adb shell`` with an agent in it.

    Args:
        argv: the local command; what it writes to standard error is told when it ends.
        is_there: whether the device still is; costs the device nothing.

    Raises:
        SessionEndedError: it ended before its first line.
    """

    def __init__(self, argv: Sequence[str], is_there: Callable[[], bool]) -> None:
        self._is_there = is_there
        # Closed with the session.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            # Ctrl-C goes to the Run, which then ends this.
            start_new_session=True,
        )
        self._rest = b""
        try:
            self.hello = self._line(_HELLO_LIMIT_S)
        except BaseException:
            self.close()
            raise

    def ask(self, line: bytes, limit_s: float) -> bytes:
        """Send a Job and wait for its line.

        Raises:
            SessionEndedError: the program ended, or did not answer in time.
        """
        assert self._process.stdin is not None
        try:
            self._send(line)
        except BrokenPipeError:
            raise self._ended() from None
        return self._line(limit_s)

    def kill(self) -> None:
        """End the local command, from any thread; at the other end the agent ends with it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        """End the local command, and let go of what it held."""
        self.kill()
        process = self._process
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._errors.close()

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        sent = 0
        while sent < len(line):
            sent += self._process.stdin.write(line[sent:]) or 0

    def _line(self, limit_s: float) -> bytes:
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        parts, end_s = [self._rest], time.monotonic() + limit_s
        while b"\n" not in parts[-1]:
            chunk = self._chunk(fd, end_s)
            if not chunk:
                raise self._ended()
            parts.append(chunk)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def _chunk(self, fd: int, end_s: float) -> bytes:
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([fd], [], [], min(left_s, _PATIENCE_S))[0]:
                return os.read(fd, _CHUNK_BYTES)
            if not self._is_there():
                raise SessionEndedError(None, "adb's server knows it no more")
        raise SessionEndedError(None, "no answer in time")

    def _ended(self) -> SessionEndedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LETTING_GO_S)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        words = "; ".join(line.strip() for line in lines[-_LAST_LINES:])
        return SessionEndedError(self._process.returncode, words)
