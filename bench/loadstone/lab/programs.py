"""Checks of the programs that a guest needs to start; each is tried."""

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from loadstone.doctor.probes import Check, Group, met, unmet
from loadstone.errors import CannotMeasureError
from loadstone.lab.cache import this_architecture
from loadstone.lab.initramfs import BUSYBOXES
from loadstone.programs import find_program, run_to_end
from loadstone.text import printable

# Debian's package of the QEMU for each architecture.
_QEMU_PACKAGES = {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}
_QEMU_MACHINES = {"x86_64": "q35", "aarch64": "virt"}
LIMIT_S = 30.0


def required_programs() -> Iterator[Check]:
    """A Check per program, in the order in which to install them."""
    yield qemu(this_architecture())
    yield _virtme_run()
    yield _installed("file", "file", "virtme-run inspects kernels with it")
    yield _busybox()
    for name in ("depmod", "modprobe"):
        yield _installed(name, "kmod", "a guest's modules need it")


def qemu(architecture: str) -> Check:
    """Whether there is a QEMU that runs a machine with an instruction clock (-icount)."""
    name = f"qemu-system-{architecture}"
    package = _QEMU_PACKAGES.get(architecture)
    if package is None:
        return unmet(
            Group.PROGRAMS,
            name,
            f"the lab has no guests for the architecture {printable(architecture)}",
            f"use a machine with {' or '.join(_QEMU_PACKAGES)}",
        )
    found = find_program(name)
    remedy = f"install the Debian package {package}"
    if found is None:
        return unmet(Group.PROGRAMS, name, f"no {name} here", remedy)
    if failure := _icount_failure(found, _QEMU_MACHINES[architecture]):
        return unmet(
            Group.PROGRAMS,
            name,
            f"{found} cannot count instructions: {printable(failure)}",
            f"{remedy}, whose QEMU can (-accel tcg -icount)",
        )
    return met(Group.PROGRAMS, name, f"QEMU {_version(found)}, counts instructions")


def _icount_failure(qemu: Path, machine: str) -> str | None:
    """Start a stopped machine with -icount; QEMU's message if that fails, else None."""
    words = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", machine]
    words += ["-cpu", "max", "-accel", "tcg", "-icount", "shift=0,sleep=off", "-m", "64", "-S"]
    try:
        done = run_to_end([qemu, *words, "-monitor", "stdio"], LIMIT_S, "quit\n")
    except (OSError, CannotMeasureError) as error:
        return str(error)
    return None if done.returncode == 0 else _last_line(done.stderr, done.returncode)


def _version(qemu: Path) -> str:
    output = _output_of(qemu, "--version")
    match = re.search(r"version (\S+)", output)
    return match[1] if match else printable(_last_line(output, 0))


def _virtme_run() -> Check:
    installed = Path(sys.executable).with_name("virtme-run")
    if installed.exists():
        return met(Group.PROGRAMS, "virtme-run", f"virtme-ng {_virtme_version() or installed}")
    found = find_program("virtme-run")
    if found is not None:
        return met(Group.PROGRAMS, "virtme-run", str(found))
    return unmet(
        Group.PROGRAMS,
        "virtme-run",
        "no virtme-run here, neither next to this Python nor in PATH",
        "pip install 'loadstone[lab]'",
    )


def _virtme_version() -> str | None:
    try:
        return metadata.version("virtme-ng")
    except metadata.PackageNotFoundError:
        return None


def _busybox() -> Check:
    """Whether the first busybox that is found is static."""
    remedy = "install the Debian package busybox-static"
    found = next((path for name in BUSYBOXES if (path := find_program(name))), None)
    if found is None:
        return unmet(Group.PROGRAMS, "busybox", "no busybox here: no initramfs can be made", remedy)
    file = find_program("file")
    if file is None:
        return unmet(
            Group.PROGRAMS,
            "busybox",
            f"no program `file` here to check that {found} is static",
            "install the Debian package file",
        )
    output = _output_of(file, "-L", str(found))
    if "statically linked" in output or "static-pie linked" in output:
        return met(Group.PROGRAMS, "busybox", f"{found}, static")
    return unmet(
        Group.PROGRAMS,
        "busybox",
        f"no static busybox, which an initramfs needs: {printable(_last_line(output, 0))}",
        remedy,
    )


def _installed(name: str, package: str, use: str) -> Check:
    found = find_program(name)
    if found is not None:
        return met(Group.PROGRAMS, name, str(found))
    return unmet(
        Group.PROGRAMS,
        name,
        f"no program `{name}` here: {use}",
        f"install the Debian package {package}",
    )


def _output_of(program: Path, *words: str) -> str:
    """A program's output; the system's words if it cannot be run."""
    try:
        done = run_to_end([program, *words], LIMIT_S)
    except (OSError, CannotMeasureError) as error:
        return str(error)
    return done.stdout or done.stderr


def _last_line(text: str, code: int) -> str:
    return (text.strip().splitlines() or [f"exit code {code} without a message"])[-1]


def versions(architecture: str) -> dict[str, str | None]:
    """The versions of the programs that run a guest, as facts of an Environment."""
    qemu_path = find_program(f"qemu-system-{architecture}")
    return {
        "lab.qemu": _version(qemu_path) if qemu_path else None,
        "lab.virtme": _virtme_version(),
    }
