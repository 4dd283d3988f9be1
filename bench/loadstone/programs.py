"""Programs for system administration, and the kernel modules that ``modprobe`` loads."""

import os
import shutil
import subprocess
from pathlib import Path

from loadstone.errors import CannotMeasureError

# Ordinary users often lack these in PATH.
_SBIN_DIRECTORIES = ("/usr/sbin", "/sbin")
# mkfs.f2fs prints pages before the line that says what is wrong.
_LAST_LINES = 3


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
