"""Loads under memory pressure: how much memory they may have, and what the pressure came to.

The load and the process that holds the pressure are in a control group with room for both, but not
for the page cache of the load. Without such a group the pressure is held all the same, and only the
counters say whether it pushed anything out.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.explain import skipped
from loadstone.environment.sysfs import number_or_text
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Fact, Finding, Noun, Status, Value
from loadstone.provision.journal import Journal
from loadstone.provision.memory_group import MemoryGroup, memory_group
from loadstone.provision.model_file import ModelFile, process_bytes
from loadstone.targets import Say, Target
from loadstone.units import format_bytes_rounded
from loadstone.workloads.model_load.engines import HEAP

_HUGE_PAGES = "hugetlb"
_TRANSPARENT = "thp"
# Readahead, and what each CPU is charged ahead: with less, a load meets the limit by chance.
_MARGIN_BYTES = 16 << 20
# What a machine keeps for all else: a 16th of its memory, and no less than this.
_LEAST_RESERVE_BYTES = 64 << 20
_RESERVE_PART = 16
_BYTES_IN_A_TABLE_BYTE = 512
# Set, it has a heap charge what it allocates. Source: Linux's drivers/dma-buf/dma-heap.c.
_HEAP_ACCOUNTING = "/sys/module/dma_heap/parameters/mem_accounting"
_RECLAIMED = (
    ("memcg.pgsteal",),
    ("vmstat.pgsteal_anon", "vmstat.pgsteal_file"),
    ("memcg.failcnt",),
)


class Pressure(Noun, frozen=True, kw_only=True):
    """How the pressure of a Run is held.

    ``groups`` are those of its Cases, by their limit in bytes; ``reason`` and ``remedy`` say why
    there are none, and are None where there are or no Case has pressure.
    """

    charges_heaps: bool = False
    reserve_bytes: int = _LEAST_RESERVE_BYTES
    groups: Mapping[int, MemoryGroup] = {}
    reason: str | None = None
    remedy: str | None = None

    @property
    def facts(self) -> dict[str, Value]:
        """Whether figures under pressure can be compared with those of another Run."""
        if not self.groups and self.reason is None:
            return {}
        return {"pressure.is_in_cgroup": self.reason is None}

    def group_of(self, case: Case, file: ModelFile) -> MemoryGroup | None:
        """The group that a Case's load enters."""
        return self.groups.get(self.limit_bytes(case, file)) if pressure_bytes(case) else None

    def limit_bytes(self, case: Case, file: ModelFile) -> int:
        """What a group must hold: the load, its process, the pressure, and a fixed margin."""
        kind = _kind(case)
        is_charged = _HUGE_PAGES not in kind and (kind != HEAP or self.charges_heaps)
        return _taken_bytes(case, file, is_charged) + _MARGIN_BYTES

    def needed_bytes(self, case: Case, file: ModelFile) -> int:
        """What must be available of the machine's memory before a load."""
        taken = _taken_bytes(case, file, _HUGE_PAGES not in _kind(case))
        return taken + _MARGIN_BYTES + self.reserve_bytes

    def job_options(self, case: Case, file: ModelFile) -> dict[str, str]:
        """What the core is told besides the parameters."""
        if not pressure_bytes(case):
            return {}
        group = self.group_of(case, file)
        return {
            "pressure-group": group.directory if group else "",
            "pressure-available": str(self.needed_bytes(case, file)),
        }

    def too_large(self, case: Case, file: ModelFile) -> Finding | None:
        """A skip where pressure and load do not fit into what is free."""
        asked, needed = pressure_bytes(case), self.needed_bytes(case, file)
        if not asked or needed < file.room.limit_bytes:
            return None
        return skipped(
            f"pressure {format_bytes_rounded(asked)} is larger than is free: with it and what is "
            f"kept back, the load needs {format_bytes_rounded(needed)} and does not fit into "
            f"{file.room.words}",
            f"--set pressure to less, or {file.room.more}",
        )

    def notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        """What a reader of a Trial under pressure has to know."""
        if not pressure_bytes(case):
            return ()
        found = []
        if self.reason is not None:
            found.append(f"pressure in no control group of its own: {self.reason}")
        if _reclaimed(evidence) == 0:
            found.append("under this pressure nothing was reclaimed")
        return tuple(found)


@contextlib.contextmanager
def held_pressure(
    target: Target, journal: Journal, file: ModelFile, cases: Sequence[Case], say: Say
) -> Iterator[Pressure]:
    """Make the groups that the Cases under pressure need; where they cannot be, that is said."""
    pressed = [case for case in cases if pressure_bytes(case)]
    if not pressed or file.is_too_large:
        yield Pressure()
        return
    plain = Pressure(
        charges_heaps=number_or_text(target.read_text(_HEAP_ACCOUNTING)) in (1, "Y"),
        reserve_bytes=_reserve_bytes(target.environment(None).facts),
    )
    fitting = [case for case in pressed if not plain.too_large(case, file)]
    with contextlib.ExitStack() as stack:
        groups: dict[int, MemoryGroup] = {}
        reason = remedy = None
        try:
            for limit in sorted({plain.limit_bytes(case, file) for case in fitting}):
                groups[limit] = stack.enter_context(memory_group(target, journal, limit))
        except CannotMeasureError as error:
            reason, remedy = error.what, error.remedy
            say(f"pressure is held in no control group of its own: {error}")
        yield Pressure(
            charges_heaps=plain.charges_heaps,
            reserve_bytes=plain.reserve_bytes,
            groups={} if reason else groups,
            reason=reason,
            remedy=remedy,
        )


def pressure_bytes(case: Case) -> int:
    """The memory that is held meanwhile; none in Cases of before there was the parameter."""
    return int(case.parameters.get("pressure", 0))


def crashed_under_pressure(crash: str, group: MemoryGroup, oom_kills: int) -> Finding | None:
    """A failure where a load was killed as its group's memory ran out; None where it was not."""
    if not oom_kills or "SIGKILL" not in crash:
        return None
    return Finding(
        status=Status.FAILED,
        reason=f"out of memory under pressure: the load did not fit into its control group of "
        f"{format_bytes_rounded(group.limit_bytes)}, and the kernel killed it",
        remedy="see dmesg for what took its memory; --set pressure=0, or another destination",
    )


class OomKills:
    """How many processes the kernel killed in a group since that was last asked."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._seen: dict[str, int] = {}

    def new(self, group: MemoryGroup) -> int:
        """Those of one group; none where this kernel does not count them (before Linux 4.13)."""
        texts = self._target.read_texts(group.samples)
        found = [re.search(r"^oom_kill (\d+)$", text, re.MULTILINE) for text in texts.values()]
        kills = sum(int(match[1]) for match in found if match)
        seen = self._seen.get(group.directory, 0)
        self._seen[group.directory] = kills
        return kills - seen


def _kind(case: Case) -> str:
    return str(case.parameters["destination"]).partition(":")[0]


def _taken_bytes(case: Case, file: ModelFile, has_destination: bool) -> int:
    """What load and pressure take; of each destination buffer a huge page may be half used."""
    asked = pressure_bytes(case)
    rounding = (2 << 20) * int(case.parameters["buffers"]) if _TRANSPARENT in _kind(case) else 0
    destination = file.bytes + rounding if has_destination else 0
    return destination + process_bytes(file.bytes) + asked + asked // _BYTES_IN_A_TABLE_BYTE


def _reserve_bytes(facts: Mapping[str, Fact]) -> int:
    """What is left of a machine; a control group is not all that its machine has."""
    total = facts.get("memory.total_bytes")
    limit = facts.get("memory.cgroup_limit_bytes")
    whole = min([size for size in (total, limit) if isinstance(size, int)], default=0)
    return max(_LEAST_RESERVE_BYTES, whole // _RESERVE_PART)


def _reclaimed(evidence: Mapping[str, float]) -> float | None:
    """Pages, or how often the limit was met: of what the kernel counts; None where of neither."""
    for names in _RECLAIMED:
        if all(name in evidence for name in names):
            return sum(evidence[name] for name in names)
    return None
