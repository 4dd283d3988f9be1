"""One boot of a virtual machine: its process, its output, its console, its time limit."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from loadstone.errors import LoadstoneError
from loadstone.programs import started

_KEPT_LINES = 400
_CHUNK_BYTES = 1 << 16
_EXIT_LIMIT_S = 10.0

ConsoleListener = Callable[[str], None]
"""Called with each line of a guest's console."""


class GuestError(LoadstoneError):
    """A guest ended early or took too long: it panicked, hung, or its program crashed.

    ``details`` are lines of its console.
    """

    def __init__(
        self, what: str, console: Sequence[str] = (), *, remedy: str | None = None
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.details = tuple(console)


class Guest:
    """A running virtual machine: a context that kills it, and its QEMU, at the end.

    Args:
        argv: the command that starts it (see ``loadstone.lab.command.virtme_argv``).
        script: a shell script that the guest runs as root; ``lines`` returns its standard
            output, its standard error goes to the console.
        directory: for temporary files of the programs that start it.
        on_console_line: called with each line of the console.
        limit_s: how long it may take, unless ``set_limit`` changes that.
    """

    def __init__(
        self,
        argv: Sequence[str],
        script: str,
        directory: Path,
        on_console_line: ConsoleListener,
        limit_s: float,
    ) -> None:
        self._argv = [*argv, "--show-boot-console", "--script-sh", "sh"]
        self._script = script
        self._directory = directory
        self._on_console_line = on_console_line
        self._limit_s = limit_s
        self._console: deque[str] = deque(maxlen=_KEPT_LINES)

    def __enter__(self) -> "Guest":
        with contextlib.ExitStack() as stack:
            self._process = stack.enter_context(
                started(
                    _kill_group,
                    self._argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    bufsize=0,
                    env={**os.environ, "TMPDIR": str(self._directory)},
                )
            )
            self._to_end = stack.pop_all()
        self.set_limit(self._limit_s)
        return self

    def __exit__(self, *_: object) -> None:
        self._to_end.close()

    @property
    def console(self) -> tuple[str, ...]:
        """The last lines of the console."""
        return tuple(self._console)

    def set_limit(self, limit_s: float) -> None:
        """Let the guest take so long, in s, from now on."""
        self._limit_s = limit_s
        self._end_s = time.monotonic() + limit_s

    def lines(self) -> Iterator[bytes]:
        """The lines of the script's standard output, until the guest has ended.

        Raises:
            GuestError: the time is up.
        """
        outputs = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        partial = dict.fromkeys(outputs, b"")
        with selectors.DefaultSelector() as selector:
            for name, pipe in outputs.items():
                assert pipe is not None
                selector.register(pipe, selectors.EVENT_READ, name)
            self._send_script(selector)
            while "stdout" in (key.data for key in selector.get_map().values()):
                for key, _ in selector.select(self._left_s()):
                    if key.data == "stdin":
                        self._write_script(selector)
                        continue
                    chunk = os.read(key.fd, _CHUNK_BYTES)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    *whole, partial[key.data] = (partial[key.data] + chunk).split(b"\n")
                    for line in whole:
                        if key.data == "stdout":
                            yield line
                        else:
                            self.add_console_line(line)

    def add_console_line(self, line: bytes) -> None:
        """Add a line to the console."""
        text = line.decode(errors="replace").rstrip("\r")
        self._console.append(text)
        self._on_console_line(text)

    def exit_status(self) -> int:
        """The exit code of the guest's script; 255 where the guest did not get so far."""
        try:
            return self._process.wait(_EXIT_LIMIT_S)
        except subprocess.TimeoutExpired:
            return 255

    def _left_s(self) -> float:
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise GuestError(
                f"it was not done within {self._limit_s:g} s", remedy="give it more time"
            )
        return left_s

    def _send_script(self, selector: selectors.BaseSelector) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self._unsent = memoryview(self._script.encode())
        selector.register(pipe, selectors.EVENT_WRITE, "stdin")

    def _write_script(self, selector: selectors.BaseSelector) -> None:
        pipe: IO[bytes] | None = self._process.stdin
        assert pipe is not None
        try:
            self._unsent = self._unsent[os.write(pipe.fileno(), self._unsent) :]
        except BrokenPipeError:
            self._unsent = memoryview(b"")
        if not self._unsent:
            selector.unregister(pipe)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
