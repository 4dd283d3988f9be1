"""A real headless Chromium, spoken to over a pipe by its DevTools protocol."""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Chromium reads commands from 3 and writes answers to 4. Ours are put there by a shell that takes
# numbers of two digits.
_PUT = 'exec "$@" 3<&"$COMMANDS" 4>&"$ANSWERS"'
_ABOVE = 10
_END_S = 10


class Tab:
    """A page of the browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = os.fdopen(answers, "rb", buffering=0, closefd=False)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._ask("Page.enable")
        self._ask("Log.enable")
        self.complaints: list[str] = []

    def open(self, page: Path, width: int = 1200, scheme: str = "light") -> None:
        """Show a page in a window of that width, and wait until it is there."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", features=features)
        number = self._send("Page.navigate", url=page.as_uri())
        waiting = {"answer", "load"}
        while waiting:
            message = self._read()
            if message.get("id") == number:
                waiting.discard("answer")
            if message.get("method") == "Page.loadEventFired":
                waiting.discard("load")

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression comes to."""
        done = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        number = self._send(method, **parameters)
        while (message := self._read()).get("id") != number:
            pass
        assert "error" not in message, message["error"]
        answer: dict[str, Any] = message["result"]
        return answer

    def _send(self, method: str, **parameters: object) -> int:
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        return number

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._answers.read(1 << 16)
            assert more, "Chromium has ended"
            self._rest += more
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        return message


@contextlib.contextmanager
def chromium(place: Path) -> Iterator[Tab]:
    """Chromium with a profile of its own in a directory, and off the network."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with contextlib.ExitStack() as undo:
        command_read, command_write = _pipe(undo)
        answer_read, answer_write = _pipe(undo)
        words = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
        process = subprocess.Popen(
            ["bash", "-c", _PUT, "bash", program, *words, f"--user-data-dir={place}"],
            env={**os.environ, "COMMANDS": str(command_read), "ANSWERS": str(answer_write)},
            pass_fds=(command_read, answer_write),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        undo.callback(_end, process)
        for fd in (command_read, answer_write):
            os.close(fd)
        yield Tab(command_write, answer_read)


def _pipe(undo: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose numbers are above those that it is put on."""
    ends = []
    for fd in os.pipe():
        end = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
        os.close(fd)
        undo.callback(_close, end)
        ends.append(end)
    return ends[0], ends[1]


def _close(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.close(fd)


def _end(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
