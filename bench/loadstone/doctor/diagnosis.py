"""The Checks of a Target: what was read and tried, group by group."""

import errno
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from loadstone.core.explain import describe
from loadstone.core.remote_files import list_names, stat_file
from loadstone.doctor.devices import devices
from loadstone.doctor.privileges import privileges
from loadstone.doctor.probes import (
    NO_REMEDY,
    PROBES,
    Check,
    Group,
    explain_probe,
    heap_probes,
    met,
    read_probes,
    unmet,
)
from loadstone.doctor.storage import storage
from loadstone.doctor.system_state import Facts, system_states
from loadstone.environment.dma_heaps import HEAPS, heap_names
from loadstone.environment.memory_cgroup import MemoryRoom, memory_room
from loadstone.errors import (
    CannotMeasureError,
    UsageError,
    for_user,
    system_words,
)
from loadstone.model import Conditions, CoreError, Input, Job, Noun
from loadstone.provision.journal import Journal
from loadstone.provision.model_file import DEFAULT_BYTES, model_file
from loadstone.runs.conditions import resolve_conditions
from loadstone.runs.results_directory import results_lock
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes, format_bytes_rounded

_PROBE_BYTES = 1 << 20
_PROBE_LIMIT_S = 60.0


class Diagnosis(Noun, frozen=True, kw_only=True):
    """All Checks of a Target, group by group.

    ``path`` is the file that was probed, which is gone again where ``is_made``; ``can_load``
    says that model-load has at least one way here.
    """

    target: str
    path: str
    is_made: bool
    can_load: bool
    checks: tuple[Check, ...]


class _Probed(Noun, frozen=True, kw_only=True):
    """What was read and probed; ``load_bytes`` is what a Run would load."""

    path: str
    load_bytes: int
    facts: Facts
    values: Mapping[str, int]

    @property
    def huge_page_bytes(self) -> int:
        found = self.facts.get("memory.huge_page_bytes")
        return found if isinstance(found, int) and found else 2 << 20

    @property
    def huge_pages(self) -> int:
        """How many a destination of huge pages takes."""
        return -(-self.load_bytes // self.huge_page_bytes) + 1


def diagnose(target: Target, file: str | None, results: Path) -> Diagnosis:
    """Try what a load may need, and read what its figures depend on.

    Args:
        file: a model file on the Target, only read. None: a small one is made in the Target's
            scratch and removed, as O_DIRECT and others depend on the file system.

    Raises:
        UsageError: the file is missing, empty, unreadable or no regular file.
        CannotMeasureError: the core does not run on this Target.
        RunError: the journal cannot be written.
    """
    with _probed(target, file, results) as seen:
        checks = (
            *storage(seen.facts, seen.values, seen.path),
            *_engines_and_destinations(target, seen),
            *devices(target),
            *_conditions(seen),
            *privileges(target, seen.values, seen.facts, seen.load_bytes),
        )
    is_root = bool(seen.facts.get("user.is_root"))
    checks = tuple(
        msgspec.structs.replace(check, remedy=for_user(check.remedy, is_root=is_root))
        for check in checks
    )
    groups = list(Group)
    return Diagnosis(
        target=target.name,
        path=seen.path,
        is_made=file is None,
        can_load=any(check.is_met for check in checks if check.group is Group.DESTINATIONS),
        checks=tuple(sorted(checks, key=lambda check: groups.index(check.group))),
    )


@contextmanager
def _probed(target: Target, file: str | None, results: Path) -> Iterator[_Probed]:
    if file is not None:
        values = _probe(target, file)
        path, load_bytes = _inspect(target, file)
        yield _after_probe(target, path, load_bytes, values)
        return
    small = Input(size_bytes=_PROBE_BYTES)
    with (
        results_lock(results),
        Journal(results, target.name, target.execute) as journal,
        model_file(target, small, journal, lambda _: None) as made,
    ):
        yield _after_probe(target, made.path, DEFAULT_BYTES, _probe(target, made.path))


def _probe(target: Target, file: str) -> Mapping[str, int]:
    values, crash = _run_probe(target, file=file)
    if crash:
        raise CannotMeasureError(
            f"the core does not run on {target.name}: {crash}", remedy="see dmesg"
        )
    if code := values.get("open"):
        raise UsageError(
            f"cannot open {printable(file)}: {system_words(code)}",
            remedy="check the path, and that this user may read it",
        )
    return values


def _run_probe(target: Target, **options: str) -> tuple[Mapping[str, int], str | None]:
    """The values, and how the core crashed or what it refused."""
    outcome = target.execute(Job(operation="probe", options=options, timeout_s=_PROBE_LIMIT_S))
    if outcome.error:
        return {}, describe(outcome.error)
    return outcome.values, outcome.crash


def _inspect(target: Target, file: str) -> tuple[str, int]:
    """The real path and the size in bytes of a file that can be opened."""
    found = stat_file(target.execute, file)
    if isinstance(found, CoreError):
        raise UsageError(describe(found), remedy="check the path")
    if found.type != stat.S_IFREG:
        raise UsageError(
            f"{printable(found.real_path)}: it is no regular file", remedy="name a model file"
        )
    if not found.file_bytes:
        raise UsageError(
            f"{printable(found.real_path)}: the file is empty, there is nothing to load",
            remedy="name a model file",
        )
    return found.real_path, found.file_bytes


def _after_probe(target: Target, path: str, load_bytes: int, values: Mapping[str, int]) -> _Probed:
    facts = {**target.environment(path).facts, **resolve_conditions(Conditions(), target).facts}
    return _Probed(path=path, load_bytes=load_bytes, facts=facts, values=values)


def _engines_and_destinations(target: Target, seen: _Probed) -> Iterator[Check]:
    yield met(Group.ENGINES, "pread, mmap, mmap-copy", "need no more than the file")
    for check in read_probes(PROBES, seen.values, seen.path, seen.huge_pages):
        yield _with_huge_pages(target, seen, check) if check.is_met else check
    for heap in _heaps(target):
        values, crash = _run_probe(target, file=seen.path, heap=heap)
        if crash:
            yield unmet(
                Group.DESTINATIONS,
                f"dma-heap:{heap}",
                f"the core crashed on it: {crash}",
                "see dmesg; use another heap",
            )
        yield from read_probes(heap_probes(heap), values, seen.path, seen.huge_pages)


def _heaps(target: Target) -> list[str]:
    """The heaps there are; where there is none, the one whose absence is worth explaining."""
    return heap_names(list_names(target.execute, HEAPS)) or ["system"]


def _with_huge_pages(target: Target, seen: _Probed, check: Check) -> Check:
    """The Check of a destination that worked for the probe: unmet where a load takes more pages."""
    if check.name == "thp" and seen.facts.get("memory.thp") == "never":
        thp = next(found for found in system_states(seen.facts) if "transparent" in found.name)
        return unmet(check.group, check.name, thp.problem or thp.state, thp.remedy or NO_REMEDY)
    if "hugetlb" not in check.name:
        return check
    free = _available_huge_pages(target, seen.facts)
    size = format_bytes(seen.huge_page_bytes)
    detail = f"{free} huge pages of {size}"
    if free >= seen.huge_pages:
        return msgspec.structs.replace(check, detail=detail)
    probe = next(probe for probe in PROBES if probe.name == check.name)
    return unmet(
        check.group,
        check.name,
        f"{detail} are too few for a load of {format_bytes_rounded(seen.load_bytes)}",
        explain_probe(probe, errno.ENOMEM, seen.path, seen.huge_pages)[1],
    )


def _available_huge_pages(target: Target, facts: Facts) -> int:
    free = facts.get("memory.hugetlb_free_pages")
    more = (target.read_text("/proc/sys/vm/nr_overcommit_hugepages") or "").strip()
    return (free if isinstance(free, int) else 0) + (int(more) if more.isdecimal() else 0)


def _conditions(seen: _Probed) -> Iterator[Check]:
    for found in system_states(seen.facts):
        if found.problem is None:
            yield met(Group.CONDITIONS, found.name, found.state)
        else:
            yield unmet(Group.CONDITIONS, found.name, found.problem, found.remedy or NO_REMEDY)
    room = memory_room(seen.facts)
    if room.available_bytes is not None:
        yield _memory(room, room.available_bytes, seen.load_bytes)


def _memory(room: MemoryRoom, available_bytes: int, load_bytes: int) -> Check:
    words = f"{format_bytes_rounded(available_bytes)} available{room.caveat}"
    if room.is_of_cgroup:
        words = room.words
    if available_bytes > load_bytes:
        return met(Group.CONDITIONS, "memory", words)
    return unmet(
        Group.CONDITIONS,
        "memory",
        f"{words}, {format_bytes_rounded(load_bytes)} to load",
        room.remedy,
    )
