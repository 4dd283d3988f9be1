"""Checks of what the lab needs on this machine; each unmet one has its reason and remedy."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadstone import targets
from loadstone.doctor.probes import Check, Group, met, unmet
from loadstone.environment.memory_cgroup import MemoryRoom, memory_room
from loadstone.errors import CannotMeasureError, system_words
from loadstone.lab.cache import cache_directory, stock_kernels, this_architecture
from loadstone.lab.programs import required_programs
from loadstone.programs import find_program
from loadstone.provision.file_system import PACKAGES
from loadstone.units import format_bytes, format_bytes_rounded

DEFAULT_MEMORY_BYTES = 4 << 30
"""A guest's memory by default."""

# Debian's 6.1 takes 70 MB to fetch and 403 MB unpacked; later ones less.
_KERNEL_BYTES = 512 << 20
_KVM = "/dev/kvm"
_FETCHERS = {"apt-get": "apt", "apt-cache": "apt", "dpkg-deb": "dpkg"}


def needs() -> tuple[Check, ...]:
    """All checks of the lab; none boots a guest."""
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
    """Raise unless a guest can be started here.

    Raises:
        CannotMeasureError: a required program is missing; the error names the first.
    """
    for check in required_programs():
        if not check.is_met:
            raise CannotMeasureError(
                str(check.reason),
                remedy=f"{check.remedy} (`loadstone doctor --target lab` checks everything)",
            )


def can_boot(checks: Sequence[Check]) -> bool:
    """Whether every program is present that a guest needs to start."""
    return all(check.is_met for check in checks if check.group is Group.PROGRAMS)


def _file_systems() -> Iterator[Check]:
    for name, package in PACKAGES.items():
        yield _program_check(Group.FILE_SYSTEMS, f"mkfs.{name}", package, f"no --fs {name}")


def _kernels() -> Iterator[Check]:
    found = stock_kernels(this_architecture())
    if found:
        names = ", ".join(f"{kernel.suite} ({kernel.release})" for kernel in found)
        yield met(Group.KERNELS, "fetched kernels", names)
    else:
        yield unmet(
            Group.KERNELS,
            "fetched kernels",
            f"no kernel was fetched yet into {cache_directory()}",
            "loadstone lab kernels fetch bookworm, or name your own: --kernel PATH/TO/vmlinuz",
        )
    for name, package in _FETCHERS.items():
        yield _program_check(
            Group.KERNELS, name, package, "no kernels can be fetched, only your own used"
        )


def _program_check(group: Group, name: str, package: str, without: str) -> Check:
    path = find_program(name)
    if path is not None:
        return met(group, name, str(path))
    return unmet(group, name, f"no {name} here: {without}", f"install the Debian package {package}")


def host_memory() -> MemoryRoom:
    """What a guest may take of this machine, or of this process's control group."""
    with targets.connect("local", Path()) as target:
        return memory_room(target.environment(None).facts)


def _memory() -> Check:
    room = host_memory()
    words = f"{format_bytes_rounded(room.limit_bytes)} available"
    if room.is_of_cgroup:
        words = room.words
    if room.limit_bytes >= DEFAULT_MEMORY_BYTES:
        return met(Group.ROOM, "memory", words)
    return unmet(
        Group.ROOM,
        "memory",
        f"{words}, a guest gets {format_bytes(DEFAULT_MEMORY_BYTES)}",
        f"{room.more}, or give it less: --memory 2G",
    )


def _disk() -> Check:
    cache = cache_directory()
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return unmet(
            Group.ROOM,
            "disk for kernels",
            f"cannot read the free space of {existing}: {system_words(error.errno or 0)}",
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
    """Whether KVM may be used; whether it works only a boot shows, and none is made here."""
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
        "this user is not root: a guest sees only the files that this user may read",
        "install Loadstone and its Python where this user may read them (guests run all as root)",
    )
