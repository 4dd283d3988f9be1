"""The processors of a machine: their clusters, those that may be used, those that a pin means.

Sources: Documentation/ABI/testing/sysfs-devices-system-cpu (``online``, ``cpu_capacity``) and
Documentation/admin-guide/pm/cpufreq.rst; lists of CPUs are as in cpuset(7), "List format".
"""

import re
from collections.abc import Mapping, Sequence

from loadstone.cpu_list import format_cpu_list, parse_cpu_list
from loadstone.environment import ReadTexts
from loadstone.environment.sysfs import parse_count, parse_word
from loadstone.errors import UsageError
from loadstone.model import Fact, Noun
from loadstone.text import printable

NOT_PINNED = "no"
"""What the fact ``cpu.pinned`` says where no CPUs were asked for."""

_BASE = "/sys/devices/system/cpu"
ONLINE = f"{_BASE}/online"
"""Lists the CPUs that are online now."""

_STATUS = "/proc/self/status"
_CPUSET = "/proc/self/cpuset"
_LONGEST = 64
_FILES = ("cpu_capacity", "cpufreq/cpuinfo_max_freq", "cpufreq/scaling_governor")


class Cpu(Noun, frozen=True, kw_only=True):
    """One processor; None for what its kernel does not report (``capacity`` is 1024 at most)."""

    number: int
    capacity: int | None = None
    max_khz: int | None = None
    governor: str | None = None


class Cpus(Noun, frozen=True, kw_only=True):
    """All processors that there are, and the numbers of those online and of those allowed to
    the process that reads on the Target; ``cpuset`` is the one that it is in."""

    all: tuple[Cpu, ...]
    online: frozenset[int]
    allowed: frozenset[int]
    cpuset: str | None = None


def read_cpus(read_texts: ReadTexts) -> Cpus:
    """Read a Target's processors, in two round trips."""
    lists = (f"{_BASE}/present", ONLINE)
    texts = read_texts([*lists, _STATUS, _CPUSET])
    present, online = (_listed(texts.get(path)) for path in lists)
    allowed = re.search(r"^Cpus_allowed_list:\s*(.*)$", texts.get(_STATUS, ""), re.MULTILINE)
    numbers = sorted(present | online)
    files = {number: [f"{_BASE}/cpu{number}/{file}" for file in _FILES] for number in numbers}
    values = read_texts([path for paths in files.values() for path in paths])
    return Cpus(
        all=tuple(_cpu(number, [values.get(path) for path in files[number]]) for number in numbers),
        online=online or present,
        allowed=_listed(allowed[1]) if allowed else online or present,
        cpuset=parse_word(texts.get(_CPUSET), _LONGEST),
    )


def resolve_pin(pin: str, cpus: Cpus) -> str:
    """The list of CPUs that ``--pin`` means on a Target.

    Args:
        pin: ``big``, ``little``, or a list.

    Raises:
        UsageError: it is none of these, all CPUs are alike, or one of them does not exist, is
            offline, or is not allowed to Jobs.
    """
    wanted = require_pin(pin)
    if wanted is None:
        return format_cpu_list(_usable_of_cluster(pin, cpus))
    _require_usable(pin, wanted, cpus)
    return format_cpu_list(wanted)


def require_pin(pin: str) -> frozenset[int] | None:
    """The CPUs that a list names; None for ``big`` and ``little``, which depend on the Target.

    Raises:
        UsageError: it is neither.
    """
    if pin in ("big", "little"):
        return None
    try:
        wanted = parse_cpu_list(pin)
    except ValueError:
        wanted = frozenset()
    if not wanted:
        raise UsageError(
            f"--pin {printable(pin)}: is no list of CPUs",
            remedy="write big, little, or one such as 0-3,6",
        )
    return wanted


def cluster_facts(cpus: Cpus) -> dict[str, Fact]:
    """``cpu.clusters`` in words, and what of the CPUs is online and allowed."""
    kinds: dict[tuple[int | None, int | None, str | None], list[int]] = {}
    for cpu in cpus.all:
        kinds.setdefault((cpu.capacity, cpu.max_khz, cpu.governor), []).append(cpu.number)
    clusters = [_cluster_words(*kind, numbers) for kind, numbers in kinds.items()]
    return {
        "cpu.clusters": "; ".join(clusters) or None,
        "cpu.online": format_cpu_list(cpus.online) or None,
        "cpu.allowed": format_cpu_list(cpus.allowed) or None,
        "cpu.cpuset": cpus.cpuset,
    }


def _listed(text: str | None) -> frozenset[int]:
    try:
        return parse_cpu_list(text or "")
    except ValueError:
        return frozenset()


def _cpu(number: int, texts: Sequence[str | None]) -> Cpu:
    capacity, max_khz, governor = texts
    return Cpu(
        number=number,
        capacity=parse_count(capacity),
        max_khz=parse_count(max_khz),
        governor=parse_word(governor, _LONGEST),
    )


def _usable_of_cluster(size: str, cpus: Cpus) -> frozenset[int]:
    """The CPUs of the largest or the least capacity, else highest frequency, that can be used."""
    sized = _sizes(cpus)
    if sized is None:
        raise UsageError(
            f"--pin {size}: the CPUs here are all alike, or report no capacity",
            remedy=f"name them: --pin {_usable_text(cpus)}",
        )
    wanted = max(sized.values()) if size == "big" else min(sized.values())
    found = frozenset(number for number, rank in sized.items() if rank == wanted)
    usable = found & cpus.online & cpus.allowed
    if not usable:
        _require_usable(size, found, cpus)
    return usable


def _sizes(cpus: Cpus) -> Mapping[int, int] | None:
    """The CPUs' capacities, or frequencies where capacities are alike; None where both are."""
    for ranks in (
        {cpu.number: cpu.capacity for cpu in cpus.all},
        {cpu.number: cpu.max_khz for cpu in cpus.all},
    ):
        known = {number: rank for number, rank in ranks.items() if rank is not None}
        if len(set(known.values())) > 1:
            return known
    return None


def _require_usable(pin: str, wanted: frozenset[int], cpus: Cpus) -> None:
    there = frozenset(cpu.number for cpu in cpus.all)
    for usable, words in (
        (there, "not there"),
        (cpus.online, "offline"),
        (cpus.allowed, "not allowed to this process (Cpus_allowed_list; its cpuset or taskset)"),
    ):
        if missing := wanted - usable:
            are = "is" if len(missing) == 1 else "are"
            raise UsageError(
                f"--pin {printable(pin)}: CPU {format_cpu_list(missing)} {are} {words}",
                remedy=f"name some of {_usable_text(cpus)}",
            )


def _usable_text(cpus: Cpus) -> str:
    return format_cpu_list(cpus.online & cpus.allowed) or "those that are online"


def _cluster_words(
    capacity: int | None, max_khz: int | None, governor: str | None, numbers: Sequence[int]
) -> str:
    words = (
        format_cpu_list(numbers),
        f"up to {max_khz / 1e6:.2f} GHz" if max_khz else "",
        f"capacity {capacity}" if capacity else "",
        f"governor {governor}" if governor else "",
    )
    return ", ".join(word for word in words if word)
