"""Commands that begin at once: each is a child of a process that has Loadstone imported.

What comes after a kill takes most of a storm's time, and most of that is imports.
"""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Self

import scipy.integrate
import scipy.optimize
import scipy.stats  # noqa: F401  # what `show` imports at its first figure

import loadstone
from commands import Command, Done
from loadstone import cli

# As a storm lists the processes of its commands, and this is none of them.
_KEPT = ("PATH", "TMPDIR", "HOME")


class Warm:
    """The process; a context that ends it."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._out, self._err = (command.place.parent / name for name in ("out", "err"))
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            env=kept | {"PYTHONPATH": str(Path(__file__).parents[1])},
            cwd=command.place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def __call__(self, *words: str) -> Done:
        """Run a command to its end, as ``Command`` does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = (words, self._command.environment, str(self._out), str(self._err))
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Done(code, self._out.read_bytes(), self._err.read_bytes())


def _serve() -> None:
    """Read what to run, a line of JSON each; answer with its exit code."""
    for module in pkgutil.walk_packages(loadstone.__path__, "loadstone."):
        if module.name.rpartition(".")[2] not in ("__main__", "pytest_plugin"):
            importlib.import_module(module.name)
    for line in sys.stdin:
        words, environment, out, err = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.update(environment)
            for path, fd in ((os.devnull, 0), (out, 1), (err, 2)):
                os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), fd)
            sys.argv = ["loadstone", *words]
            cli.main()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
