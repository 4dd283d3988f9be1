"""A running agent at the other end of ``adb shell``: a line in for a Job, a line out for it."""

import contextlib
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence

# While a Job runs, the server is asked each so many seconds whether the device is there.
_POLL_S = 5.0
_HELLO_LIMIT_S = 30.0
_EXIT_LIMIT_S = 5.0
_CHUNK_BYTES = 1 << 16
_LAST_LINES = 3


class SessionEndedError(Exception):
    """The agent has ended, or does not answer; ``Agent`` turns it into an Outcome or TargetError.

    ``code`` is the exit code of ``adb shell``, None where it runs on and has to be killed.
    """

    def __init__(self, code: int | None, words: str) -> None:
        super().__init__(words or f"exit code {code}")
        self.code = code


class Session:
    """One ``adb shell`` with an agent in it.

    Args:
        argv: the local command; its standard error is in the error that says that it ended.
        is_there: whether the device still is; does not disturb the device.

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
        """Kill the local command, from any thread; the agent on the device ends with it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        """Kill the local command, and close its pipes."""
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
            if select.select([fd], [], [], min(left_s, _POLL_S))[0]:
                return os.read(fd, _CHUNK_BYTES)
            if not self._is_there():
                raise SessionEndedError(None, "adb's server does not list it any more")
        raise SessionEndedError(None, "no answer in time")

    def _ended(self) -> SessionEndedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_LIMIT_S)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        words = "; ".join(line.strip() for line in lines[-_LAST_LINES:])
        return SessionEndedError(self._process.returncode, words)
