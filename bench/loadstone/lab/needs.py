"""What the lab needs of this machine, each "no" with its reason and its remedy."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from loadstone.doctor.probes import Check, Group, met, unmet
from loadstone.errors import CannotMeasureError, system_words
from loadstone.lab.cache import cache_directory, stock_kernels, this_architecture
from loadstone.lab.programs import required_programs
from loadstone.programs import find_program
from loadstone.provision.file_system import PACKAGES
from loadstone.units import format_bytes, format_bytes_rounded

DEFAULT_MEMORY_BYTES = 4 << 30
"""A guest's where nobody says another."""

# Debian's 6.1 takes 70 MB to fetch and 403 MB unpacked; later ones less.
_KERNEL_BYTES = 512 << 20
_KVM = "/dev/kvm"
_FETCHERS = {"apt-get": "apt", "apt-cache": "apt", "dpkg-deb": "dpkg"}


def needs() -> tuple[Check, ...]:
    """Everything that the lab can use, found or missing; nothing is booted."""
    return (
        *required_programs(),
        *_file_systems(),
        *_kernels(),
        _memory(),
        _disk(),
        _kvm(),
        _root(),
    )


def require() -> None:
    """See to it that a guest can be started here.

    Raises:
        CannotMeasureError: a program is missing without which none can; it names the first.
    """
    for check in required_programs():
        if not check.is_met:
            raise CannotMeasureError(
                str(check.reason),
                remedy=f"{check.remedy}; `loadstone doctor --target lab` tells the rest",
            )


def can_boot(checks: Sequence[Check]) -> bool:
    """Whether all is there without which no guest starts."""
    return all(check.is_met for check in checks if check.group is Group.PROGRAMS)


def _file_systems() -> Iterator[Check]:
    for name, package in PACKAGES.items():
        yield _program(Group.FILE_SYSTEMS, f"mkfs.{name}", package, f"no --fs {name}")


def _kernels() -> Iterator[Check]:
    found = stock_kernels(this_architecture())
    if found:
        told = ", ".join(f"{kernel.suite} ({kernel.release})" for kernel in found)
        yield met(Group.KERNELS, "fetched kernels", told)
    else:
        yield unmet(
            Group.KERNELS,
            "fetched kernels",
            f"no kernel was fetched yet into {cache_directory()}",
            "loadstone lab kernels fetch bookworm; or name your own: --kernel PATH/TO/vmlinuz",
        )
    for name, package in _FETCHERS.items():
        yield _program(
            Group.KERNELS, name, package, "no kernels can be fetched, only your own used"
        )


def _program(group: Group, name: str, package: str, without: str) -> Check:
    path = find_program(name)
    if path is not None:
        return met(group, name, str(path))
    return unmet(group, name, f"no {name} here: {without}", f"install the Debian package {package}")


def _memory() -> Check:
    available = psutil.virtual_memory().available
    words = f"{format_bytes_rounded(available)} available"
    if available >= DEFAULT_MEMORY_BYTES:
        return met(Group.ROOM, "memory", words)
    return unmet(
        Group.ROOM,
        "memory",
        f"{words}, a guest gets {format_bytes(DEFAULT_MEMORY_BYTES)}",
        "free memory, or give it less: --memory 2G",
    )


def _disk() -> Check:
    cache = cache_directory()
    there = next(path for path in (cache, *cache.parents) if path.exists())
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return unmet(
            Group.ROOM,
            "disk for kernels",
            f"cannot look into {there}: {system_words(error.errno or 0)}",
            "name another cache directory with LOADSTONE_CACHE",
        )
    words = f"{format_bytes_rounded(free)} free in {cache}"
    if free >= _KERNEL_BYTES:
        return met(Group.ROOM, "disk for kernels", words)
    return unmet(
        Group.ROOM,
        "disk for kernels",
        f"{words}, a kernel takes up to {format_bytes(_KERNEL_BYTES)}",
        "free space, or name another cache directory with LOADSTONE_CACHE",
    )


def _kvm() -> Check:
    """Only a boot tells whether it works, and none is made here."""
    if os.access(_KVM, os.R_OK | os.W_OK):
        return met(
            Group.PRIVILEGES, "KVM", f"{_KVM} may be opened; tried at each `--clock wall`, not here"
        )
    closed = Path(_KVM).exists()
    return unmet(
        Group.PRIVILEGES,
        "KVM",
        f"this user may not open {_KVM}" if closed else f"this machine has no {_KVM}",
        "join the group kvm"
        if closed
        else "none needed: `--clock wall` falls back to emulation, "
        "and `--clock instructions` never uses KVM",
    )


def _root() -> Check:
    if os.geteuid() == 0:
        return met(Group.PRIVILEGES, "root", "yes")
    return unmet(
        Group.PRIVILEGES,
        "root",
        "this user is not root: a guest sees only those files of this machine that he may read",
        "let Loadstone and its Python lie where he may read; inside a guest all runs as root",
    )
