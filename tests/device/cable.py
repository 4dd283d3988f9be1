"""The cable between adb and a phone: it can be pulled, and it can stall."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from device.adb_server import free_port

_RELAY = Path(__file__).with_name("relay.py")


class Cable:
    """From a port of this machine's loopback to a port of the phone's.

    Args:
        far_port: where the phone's adbd listens.
        enter: words before a command that have it run where ``far_port`` can be reached.
    """

    def __init__(self, far_port: int, enter: Sequence[str] = ()) -> None:
        self.port = free_port()
        self._far_port = far_port
        self._enter = enter
        self._relay: subprocess.Popen[bytes] | None = None

    def plug_in(self) -> None:
        """Join the two; the port stays the same."""
        assert self._relay is None
        tied = ["setpriv", "--pdeathsig", "KILL", "--", *self._enter]
        with socket.create_server(("127.0.0.1", self.port)) as near:
            number = near.fileno()
            self._relay = subprocess.Popen(
                [*tied, sys.executable, "-I", _RELAY, str(number), str(self._far_port)],
                pass_fds=(number,),
                stdin=subprocess.DEVNULL,
            )

    def pull_out(self) -> None:
        """Every connection ends at once, at both ends; new ones are refused."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.wait()
            self._relay = None

    def stall(self) -> None:
        """Carry nothing any more, and end no connection."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Carry again, and first what was held up."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._relay is not None
        os.kill(self._relay.pid, number)
