"""What this user may do on a Target."""

import errno
import re
from collections.abc import Iterator, Mapping

from loadstone.core.explain import explain
from loadstone.doctor.probes import NO_REMEDY, Check, Group, met, unmet
from loadstone.environment.capabilities import CAP_IPC_LOCK, has_capability, limits_of_root
from loadstone.errors import system_words
from loadstone.model import CoreError, Fact
from loadstone.targets import Target
from loadstone.units import format_bytes_rounded
from loadstone.workloads import workload

_LIMIT = re.compile(r"^Max locked memory\s+(\S+)", re.MULTILINE)


def privileges(
    target: Target, values: Mapping[str, int], facts: Mapping[str, Fact], load_bytes: int
) -> Iterator[Check]:
    """Root, dropping of caches, locked memory.

    Args:
        values: of the core's operation ``probe``.
        facts: of the Target's Environment.
        load_bytes: what a Run would load.
    """
    yield _root(target, facts)
    yield _drop_caches(-values["drop_caches"])
    yield _locked_memory(target, load_bytes)


def _root(target: Target, facts: Mapping[str, Fact]) -> Check:
    if facts.get("user.is_root"):
        limits = limits_of_root(target.read_text)
        if limits is None:
            return met(Group.PRIVILEGES, "root", "yes")
        return unmet(
            Group.PRIVILEGES,
            "root",
            f"{limits}: file systems cannot be mounted, and some devices and tunables are closed",
            "run as the machine's own root where they matter; a load as such needs no root",
        )
    return unmet(
        Group.PRIVILEGES,
        "root",
        "this user is not root: the kernel's tunables are closed",
        "run as root where they matter; a load as such needs no root",
    )


def _drop_caches(code: int) -> Check:
    if not code:
        return met(Group.PRIVILEGES, "drop_caches", "can be written")
    return unmet(
        Group.PRIVILEGES,
        "drop_caches",
        f"write /proc/sys/vm/drop_caches: {system_words(code)}",
        "run as root; without it the file alone is dropped (posix_fadvise), and proven gone",
    )


def _locked_memory(target: Target, load_bytes: int) -> Check:
    """Registered buffers count as locked. Source: io_uring_register(2), RLIMIT_MEMLOCK."""
    name = "locked memory"
    if has_capability(target.read_text("/proc/self/status") or "", CAP_IPC_LOCK):
        return met(Group.PRIVILEGES, name, "without limit (CAP_IPC_LOCK)")
    limit = _LIMIT.search(target.read_text("/proc/self/limits") or "")
    words = limit[1] if limit else "unknown"
    if words == "unlimited":
        return met(Group.PRIVILEGES, name, "without limit")
    shown = format_bytes_rounded(int(words)) if words.isdecimal() else words
    if words.isdecimal() and int(words) > load_bytes:
        return met(Group.PRIVILEGES, name, f"up to {shown}")
    error = CoreError(code=errno.ENOMEM, step="io_uring register buffers", path="")
    return unmet(
        Group.PRIVILEGES,
        name,
        f"the limit is {shown}; registered buffers (fixed=on) take "
        f"{format_bytes_rounded(load_bytes)} and more",
        explain(error, {}, workload("model-load").rules).remedy or NO_REMEDY,
    )
