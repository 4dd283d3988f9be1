"""Kernel modules, and the programs of administration that come with a system."""

import os
import shutil
import subprocess
from pathlib import Path

from loadstone.errors import CannotMeasureError

# Users without rights often lack the directories of administration in PATH.
_ADMINISTRATION = ("/usr/sbin", "/sbin")
# mkfs.f2fs tells its whole story before it says what is wrong.
_LAST_LINES = 3


def load_module(name: str, *parameters: str) -> None:
    """Load a kernel module; one that is built in or loaded already is as good.

    Raises:
        CannotMeasureError: this kernel has none of that name, or it would not load.
    """
    said = run_program("modprobe", "kmod", name, *parameters)
    if said is not None:
        raise CannotMeasureError(
            f"modprobe {name}: {said}",
            remedy=f"this kernel needs its module {name}, of its own version, "
            "in /lib/modules, or built in",
        )


def find_program(name: str) -> Path | None:
    """Where a program is, administration's directories included."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMINISTRATION))
    found = shutil.which(name, path=path)
    return None if found is None else Path(found)


def run_program(name: str, package: str, *words: str) -> str | None:
    """Run a program of the system to its end.

    Args:
        package: Debian's, told where the program is missing.

    Returns:
        The last of what it said where it failed, else None.

    Raises:
        CannotMeasureError: there is no such program.
    """
    return ask_program(name, package, *words)[1]


def ask_program(name: str, package: str, *words: str) -> tuple[str, str | None]:
    """Run a program of the system for what it prints.

    Returns:
        What it printed, and what ``run_program`` returns.

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
    said = "; ".join(line.strip().rstrip(".") for line in lines[-_LAST_LINES:])
    return done.stdout, said or f"exit code {done.returncode}"
