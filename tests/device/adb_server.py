"""A server of adb's that is the test's alone: another port, another home, no device but its own."""

import os
import socket
import subprocess
from pathlib import Path

from commands import Done, until

_LIMIT_S = 60

# Of a user's own, by which adb would go elsewhere.
FOREIGN = ("ANDROID_SERIAL", "ANDROID_ADB_SERVER_ADDRESS", "ADB_SERVER_SOCKET", "ADB_TRACE")


class AdbServer:
    """A running server. ``environment`` makes any adb of that environment talk to it.

    Args:
        home: an empty directory, for its key and its words.
    """

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.environment = {
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "HOME": str(home),
            "ANDROID_USER_HOME": str(home / ".android"),
            "TMPDIR": str(home),
            "ADB_MDNS": "0",
            # A phone there is its user's: this server would take it from the one that is theirs.
            "ADB_USB": "0",
            # Else it looks for emulators at this machine's ports.
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "1",
        }
        self._log = home / "adb-server.log"

    def start(self) -> None:
        """Begin; it dies with its parent."""
        tied = ["setpriv", "--pdeathsig", "KILL", "--"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*tied, "adb", "-P", str(self.port), "nodaemon", "server"],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._answers, "adb's server to answer")

    def stop(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        self._process.wait()

    def __call__(
        self, *words: str | Path, stdin: bytes | None = None, limit_s: float = _LIMIT_S
    ) -> Done:
        """Run adb to the end."""
        process = self.begin(*words)
        try:
            out, err = process.communicate(stdin, timeout=limit_s)
        finally:
            process.kill()
            process.wait()
        return Done(process.returncode, out, err)

    def begin(self, *words: str | Path) -> "subprocess.Popen[bytes]":
        """Start adb with pipes at its three ends."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            ["adb", *words],
            env={**os.environ, **self.environment},
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
