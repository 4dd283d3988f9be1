"""The programs without which no guest starts, each tried."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from loadstone.doctor.probes import Check, Group, met, unmet
from loadstone.lab.cache import this_architecture
from loadstone.lab.initramfs import BUSYBOXES
from loadstone.programs import find_program
from loadstone.text import printable

# Debian's package of each QEMU, and whose processor it emulates.
_QEMU_PACKAGES = {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}
_QEMU_MACHINES = {"x86_64": "q35", "aarch64": "virt"}
_LIMIT_S = 30.0


def required_programs() -> Iterator[Check]:
    """A Check of each, in the order in which one would install them."""
    yield qemu(this_architecture())
    yield _virtme()
    yield _present("file", "file", "virtme-run asks it about kernels")
    yield _busybox()
    for name in ("depmod", "modprobe"):
        yield _present(name, "kmod", "a guest's modules need it")


def qemu(architecture: str) -> Check:
    """Whether there is a QEMU that starts a machine whose clock is its count of instructions."""
    name = f"qemu-system-{architecture}"
    package = _QEMU_PACKAGES.get(architecture)
    if package is None:
        return unmet(
            Group.PROGRAMS,
            name,
            f"the lab has no guests for processors of the sort {printable(architecture)}",
            f"use a machine with {' or '.join(_QEMU_PACKAGES)}",
        )
    found = find_program(name)
    remedy = f"install the Debian package {package}"
    if found is None:
        return unmet(Group.PROGRAMS, name, f"no {name} here", remedy)
    if why := _why_not_counting(found, _QEMU_MACHINES[architecture]):
        return unmet(
            Group.PROGRAMS,
            name,
            f"{found} cannot count instructions: {printable(why)}",
            f"{remedy}, whose QEMU can (-accel tcg -icount)",
        )
    return met(Group.PROGRAMS, name, f"QEMU {_version(found)}, counts instructions")


def _why_not_counting(qemu: Path, machine: str) -> str | None:
    """Start a machine without letting it run; what QEMU says if it does not."""
    words = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", machine]
    words += ["-cpu", "max", "-accel", "tcg", "-icount", "shift=0,sleep=off", "-m", "64", "-S"]
    try:
        done = subprocess.run(
            [qemu, *words, "-monitor", "stdio"],
            input="quit\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {_LIMIT_S:.0f} s"
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else _last_line(done.stderr, done.returncode)


def _version(qemu: Path) -> str:
    said = _said(qemu, "--version")
    match = re.search(r"version (\S+)", said)
    return match[1] if match else printable(_last_line(said, 0))


def _virtme() -> Check:
    beside = Path(sys.executable).with_name("virtme-run")
    if beside.exists():
        return met(Group.PROGRAMS, "virtme-run", f"virtme-ng {_virtme_version() or beside}")
    found = find_program("virtme-run")
    if found is not None:
        return met(Group.PROGRAMS, "virtme-run", str(found))
    return unmet(
        Group.PROGRAMS,
        "virtme-run",
        "no virtme-run here, neither beside this Python nor in PATH",
        "pip install 'loadstone[lab]'",
    )


def _virtme_version() -> str | None:
    try:
        return metadata.version("virtme-ng")
    except metadata.PackageNotFoundError:
        return None


def _busybox() -> Check:
    """The first that is found has to be static, wherever others lie."""
    remedy = "install the Debian package busybox-static"
    found = next((path for name in BUSYBOXES if (path := find_program(name))), None)
    if found is None:
        return unmet(Group.PROGRAMS, "busybox", "no busybox here: no initramfs can be made", remedy)
    file = find_program("file")
    if file is None:
        return unmet(
            Group.PROGRAMS,
            "busybox",
            f"without `file` nobody can tell whether {found} is static",
            "install the Debian package file",
        )
    said = _said(file, "-L", str(found))
    if "statically linked" in said or "static-pie linked" in said:
        return met(Group.PROGRAMS, "busybox", f"{found}, static")
    return unmet(
        Group.PROGRAMS,
        "busybox",
        f"no static busybox, which an initramfs needs: {printable(_last_line(said, 0))}",
        remedy,
    )


def _present(name: str, package: str, use: str) -> Check:
    found = find_program(name)
    if found is not None:
        return met(Group.PROGRAMS, name, str(found))
    return unmet(
        Group.PROGRAMS,
        name,
        f"no program `{name}` here: {use}",
        f"install the Debian package {package}",
    )


def _said(program: Path, *words: str) -> str:
    """What a program says; what the system says where it does not run."""
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout or done.stderr


def _last_line(text: str, code: int) -> str:
    return (text.strip().splitlines() or [f"exit code {code} without a word"])[-1]


def versions(architecture: str) -> dict[str, str | None]:
    """What an Environment says of the programs that run a guest."""
    qemu_path = find_program(f"qemu-system-{architecture}")
    return {
        "lab.qemu": _version(qemu_path) if qemu_path else None,
        "lab.virtme": _virtme_version(),
    }
