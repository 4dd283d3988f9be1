"""Programs that are started: the system's, kernel modules by ``modprobe``, and our own by Python."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from loadstone.errors import CannotMeasureError

# Ordinary users often lack these in PATH.
_SBIN_DIRECTORIES = ("/usr/sbin", "/sbin")
# mkfs.f2fs prints pages before the line that says what is wrong.
_LAST_LINES = 3


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
    done = subprocess.run(
        [program, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return done.stdout, None
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    problem = "; ".join(line.strip().rstrip(".") for line in lines[-_LAST_LINES:])
    return done.stdout, problem or f"exit code {done.returncode}"
