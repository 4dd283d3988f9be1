"""Programs that are started: the system's, kernel modules by ``modprobe``, our own by Python."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from loadstone.errors import CannotMeasureError
from loadstone.interruption import uninterrupted
from loadstone.text import printable

LIMIT_S: ContextVar[float | None] = ContextVar("LIMIT_S", default=600.0)
"""How long a program may take that is given no other limit, in s; None: as long as it wants."""

# Ordinary users often lack these in PATH.
_SBIN_DIRECTORIES = ("/usr/sbin", "/sbin")
# mkfs.f2fs prints pages before the line that says what is wrong.
_LAST_LINES = 3
_LONGEST = 200


def own_python(module: str, *words: str) -> list[str]:
    """The command that runs one of our modules, and none from the working directory."""
    return [sys.executable, "-P", "-m", module, *words]


def own_environment() -> Mapping[str, str]:
    """The environment for ``own_python``: of PYTHONPATH, no place that stands for wherever one is.

    An empty one (``PYTHONPATH=:/opt/more``) is the working directory. Where the package itself
    comes from such a place, that stays, by its whole path.
    """
    named = os.environ.get("PYTHONPATH")
    if named is None:
        return os.environ
    own = Path(__file__).parents[1]
    places = [
        str(own) if place and Path(place).absolute() == own else place
        for place in named.split(os.pathsep)
    ]
    kept = os.pathsep.join(place for place in places if place.startswith("/"))
    return {**os.environ, "PYTHONPATH": kept}


def load_module(name: str, *parameters: str) -> None:
    """Load a kernel module; nothing is done where it is built in or loaded already.

    Raises:
        CannotMeasureError: this kernel has none of that name, or it cannot be loaded.
    """
    problem = run_program("modprobe", "kmod", name, *parameters)
    if problem is not None:
        raise CannotMeasureError(
            f"modprobe {name}: {problem}",
            remedy=f"install this kernel's own module {name} in /lib/modules, or boot one that has "
            "it built in",
        )


def find_program(name: str) -> Path | None:
    """Where a program is, in PATH or a directory for system administration."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SBIN_DIRECTORIES))
    found = shutil.which(name, path=path)
    return None if found is None else Path(found)


def run_program(name: str, package: str, *words: str) -> str | None:
    """Run a program of the system to its end.

    Args:
        package: the Debian package to install where the program is missing.

    Returns:
        The last lines of its output where it failed, else None.

    Raises:
        CannotMeasureError: there is no such program.
    """
    return ask_program(name, package, *words)[1]


def ask_program(name: str, package: str, *words: str) -> tuple[str, str | None]:
    """Run a program of the system for its output.

    Returns:
        Its standard output, and what ``run_program`` returns.

    Raises:
        CannotMeasureError: there is no such program.
    """
    program = find_program(name)
    if program is None:
        raise CannotMeasureError(
            f"no program {name} here", remedy=f"install the Debian package {package}"
        )
    done = run_to_end([program, *words])
    if done.returncode == 0:
        return done.stdout, None
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    problem = "; ".join(line.strip().rstrip(".") for line in lines[-_LAST_LINES:])
    return done.stdout, problem or f"exit code {done.returncode}"


def run_to_end(
    command: Sequence[str | Path], limit_s: float | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """As ``run_bytes``, with text."""
    done = run_bytes(command, limit_s, stdin.encode())
    out, err = (data.decode(errors="replace") for data in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def run_bytes(
    command: Sequence[str | Path], limit_s: float | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, in English, with no terminal to ask a question on.

    Args:
        limit_s: how long it may take; ``LIMIT_S`` where None.
        stdin: what it reads.

    Raises:
        CannotMeasureError: it took longer, and was killed with all that it had started.
        OSError: it cannot be started.
    """
    limit_s = LIMIT_S.get() if limit_s is None else limit_s
    with started(
        _kill_all,
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
        # Its own group and session: without a terminal, and to be killed as a whole.
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(stdin, limit_s)
        except subprocess.TimeoutExpired:
            words = shlex.join(map(str, command))
            raise CannotMeasureError(
                f"{printable(words[:_LONGEST])}: it did not end within {limit_s:g} s",
                remedy="run it by hand to see what it waits for",
            ) from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextlib.contextmanager
def started(
    end: Callable[["subprocess.Popen[bytes]"], None],
    command: Sequence[str | Path],
    **options: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that does not outlive this, not even where a signal comes while it is started.

    Args:
        end: called with the process at the end of this, whether or not it has ended by itself.
        options: of ``subprocess.Popen``.

    Raises:
        OSError: it cannot be started.
    """
    with contextlib.ExitStack() as stack:
        with uninterrupted():
            process = stack.enter_context(subprocess.Popen(command, **options))
            stack.callback(end, process)
        yield process


def _kill_all(process: "subprocess.Popen[bytes]") -> None:
    """Kill the leader of a process group, its group, and what it started that has left that.

    What is left of them would keep its pipes open.
    """
    if process.returncode is not None:
        return
    # Only a program that hangs needs it.
    import psutil

    descendants = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    for descendant in descendants:
        with contextlib.suppress(psutil.NoSuchProcess):
            descendant.kill()
