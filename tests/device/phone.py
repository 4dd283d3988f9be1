"""A phone as adb has it: a serial number, a state, and commands."""

import subprocess
from pathlib import Path

from commands import Done, until
from device.adb_server import AdbServer
from device.cable import Cable


class Phone:
    """One adbd behind a cable.

    Args:
        uid: the user that its shell is.
    """

    def __init__(self, server: AdbServer, cable: Cable, uid: int) -> None:
        self.server = server
        self.uid = uid
        self.serial = f"127.0.0.1:{cable.port}"
        self._cable = cable

    def adb(self, *words: str | Path, stdin: bytes | None = None, limit_s: float = 60) -> Done:
        """Run adb with this phone's serial number to the end."""
        return self.server("-s", self.serial, *words, stdin=stdin, limit_s=limit_s)

    def shell(self, command: str, stdin: bytes | None = None) -> Done:
        """Have the phone's shell carry out a command."""
        return self.adb("shell", "-T", command, stdin=stdin)

    def begin(self, command: str) -> "subprocess.Popen[bytes]":
        """Start a command there, with pipes at its three ends."""
        return self.server.begin("-s", self.serial, "shell", "-T", command)

    def state(self) -> str:
        """As ``adb devices`` has it; ``absent`` where it does not list the phone."""
        for line in self.server("devices").out.splitlines():
            serial, _, state = line.partition("\t")
            if serial == self.serial:
                return state
        return "absent"

    def await_state(self, state: str) -> None:
        """Wait for what must come."""
        until(lambda: self.state() == state, f"{self.serial} to be {state}")

    def connect(self) -> None:
        """Have the server know it, anew where it knew it before."""
        until(self._is_connected_anew, f"adb to connect to {self.serial}")

    def unplug(self) -> None:
        """Pull the cable out: adbd lives, and adb sees the phone go offline at once."""
        self._cable.pull_out()

    def plug_in(self, is_awaited: bool = True) -> None:
        """Put it back; adb's server takes up to 10 s to try again unless it is told."""
        self._cable.plug_in()
        if is_awaited:
            self.connect()

    def freeze(self) -> None:
        """The cable carries nothing any more, and nobody is told: adb hangs."""
        self._cable.stall()

    def thaw(self) -> None:
        """It carries again."""
        self._cable.resume()

    def forget(self) -> None:
        """End the connection, and the server's knowledge of it."""
        self.server("disconnect", self.serial)
        self._cable.pull_out()

    def _is_connected_anew(self) -> bool:
        # The server may be about to try again by itself, and then says "already connected".
        self.server("disconnect", self.serial)
        self.server("connect", self.serial)
        return self.state() == "device"
