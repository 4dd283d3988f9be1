"""A person at a terminal in a guest."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest

from lab.laboratory import OLD, Lab
from loadstone.lab.kernels import Kernel


class Terminal:
    """A command on a terminal of its own, and what it has shown."""

    def __init__(self, lab: Lab, *words: str) -> None:
        self._main, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loadstone.cli", *words],
            cwd=lab.command.place,
            env=lab.command.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = b""

    def read_until(self, mark: bytes) -> None:
        """Read on until a text has been shown, or the command has ended."""
        while mark not in self.shown:
            try:
                self.shown += os.read(self._main, 4096)
            except OSError:
                return

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def close(self) -> int:
        self.read_until(b"\0never")
        os.close(self._main)
        return self.process.wait()


@pytest.mark.lab
def test_a_shell_is_on_the_storage_with_loadstone_at_hand(
    lab: Lab, kernels: Callable[[str], Kernel]
) -> None:
    release = kernels(OLD).release
    terminal = Terminal(lab, "lab", "shell", f"--kernel={OLD}", "--storage", "ufs21")
    terminal.read_until(b"are gone with the guest")
    terminal.type('echo "<$(uname -r)> <$(stat -f -c %T .)> <$(command -v loadstone)>"; exit\n')
    assert terminal.close() == 0, terminal.shown
    shown = terminal.shown.decode(errors="replace")
    assert f"<{release}>" in shown
    assert "<ext2/ext3>" in shown
    assert "/loadstone>" in shown


def test_a_shell_without_a_terminal_is_refused(lab: Lab, kernels: Callable[[str], Kernel]) -> None:
    kernels(OLD)
    done = lab.command("lab", "shell", f"--kernel={OLD}")
    assert done.code == 2
    assert "needs a terminal" in done.complaint
