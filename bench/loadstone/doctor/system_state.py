"""States of a machine that make its figures unsteady or partial, read off its facts."""

import re
from collections.abc import Callable, Mapping

from loadstone.model import Fact, Noun
from loadstone.units import format_bytes_rounded

Facts = Mapping[str, Fact]

_DEFAULT_READ_AHEAD_KB = 128
# Free blocks of this order and above go back to the host; from the largest order on, none do.
_LARGEST_ORDER = 10
_BUSY_LOAD = 0.5
_LOW_PERCENT = 15


class SystemState(Noun, frozen=True, kw_only=True):
    """One thing to know before figures are trusted; ``problem`` is None where all is well."""

    name: str
    state: str
    problem: str | None = None
    remedy: str | None = None


def system_states(facts: Facts) -> tuple[SystemState, ...]:
    """The states that the facts tell; those that they do not are left out.

    Args:
        facts: an Environment's.
    """
    return tuple(found for evaluate in _EVALUATORS if (found := evaluate(facts)) is not None)


def _governor(facts: Facts) -> SystemState | None:
    governor = facts.get("cpu.governor")
    if governor is None:
        return None
    if governor == "performance":
        return SystemState(name="governor", state="performance")
    return SystemState(
        name="governor",
        state=str(governor),
        problem=f"the CPU governor is {governor}; `performance` is steadier",
        remedy="as root: cpupower frequency-set -g performance",
    )


def _thp(facts: Facts) -> SystemState | None:
    thp = facts.get("memory.thp")
    if thp is None:
        return None
    state = f"{thp}; shmem {facts.get('memory.thp_shmem') or 'unknown'}"
    if thp != "never":
        return SystemState(name="transparent huge pages", state=state)
    return SystemState(
        name="transparent huge pages",
        state=state,
        problem="transparent huge pages are off: destination thp gets plain pages",
        remedy="as root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    )


def _page_reporting(facts: Facts) -> SystemState | None:
    order = facts.get("memory.page_reporting_order")
    if not facts.get("cpu.is_virtual") or not isinstance(order, int):
        return None
    if order > _LARGEST_ORDER:
        return SystemState(name="free page reporting", state=f"off (order {order})")
    return SystemState(
        name="free page reporting",
        state=f"on (order {order})",
        problem="this virtual machine hands free memory back to its host (free page reporting), "
        "so that touching memory anew is expensive and varies",
        remedy=f"for steadier figures, as root: echo {_LARGEST_ORDER + 1} > "
        f"/sys/module/page_reporting/parameters/page_reporting_order (now {order})",
    )


def _is_lab_guest(facts: Facts) -> bool:
    return facts.get("clock.name") is not None


def _bare_metal(facts: Facts) -> SystemState:
    if _is_lab_guest(facts):
        return SystemState(name="bare metal", state="lab guest, simulated on purpose")
    # Not every hypervisor shows in the CPU's flags.
    bus = facts.get("disk.virtual_bus")
    if not facts.get("cpu.is_virtual") and bus is None:
        return SystemState(name="bare metal", state="no hypervisor seen")
    return SystemState(
        name="bare metal",
        state=f"virtual machine, its disk by {bus}" if bus else "virtual machine",
        problem="in a virtual machine `cold` is cold for this kernel only: the host may hold the "
        "file in its own cache",
        remedy="drop the host's caches too, or measure on the bare machine",
    )


def _read_ahead(facts: Facts) -> SystemState | None:
    read_ahead = facts.get("block.read_ahead_kb")
    if not isinstance(read_ahead, int):
        return None
    if read_ahead == _DEFAULT_READ_AHEAD_KB:
        return SystemState(name="read_ahead_kb", state=str(read_ahead))
    return SystemState(
        name="read_ahead_kb",
        state=str(read_ahead),
        problem=f"read_ahead_kb is {read_ahead} here (Linux's default is "
        f"{_DEFAULT_READ_AHEAD_KB}): buffered and mmap figures depend on it",
        remedy="compare only runs with the same, or as root: echo "
        f"{_DEFAULT_READ_AHEAD_KB} > /sys/block/DISK/queue/read_ahead_kb",
    )


def _load(facts: Facts) -> SystemState | None:
    load, cpus = facts.get("load.1min"), facts.get("cpu.count")
    # A guest's is that of its own boot, and nothing else runs in it.
    if not isinstance(load, float) or _is_lab_guest(facts):
        return None
    cpus = cpus if isinstance(cpus, int) and cpus else 1
    state = f"load {load:g} on {cpus} CPUs"
    if load <= _BUSY_LOAD * cpus:
        return SystemState(name="quiet machine", state=state)
    return SystemState(
        name="quiet machine",
        state=state,
        problem=f"the machine is busy ({state})",
        remedy="end what else runs, and wait a minute",
    )


def _swap(facts: Facts) -> SystemState | None:
    swap = facts.get("memory.swap_bytes")
    if not isinstance(swap, int):
        return None
    state = f"{format_bytes_rounded(swap)}, swappiness {facts.get('memory.swappiness')}"
    return SystemState(name="swap", state=state if swap else "none")


def _frequency_limit(facts: Facts) -> SystemState | None:
    limits = facts.get("cpu.limits_khz")
    if not isinstance(limits, str):
        return None
    found = re.findall(r"(\S+):([0-9]+)/([0-9]+)", limits)
    lowered = [
        f"CPU {cpus} to {int(limit) / 1e6:.2f} of {int(hardware) / 1e6:.2f} GHz"
        for cpus, limit, hardware in found
        if int(limit) < int(hardware)
    ]
    if not lowered:
        return SystemState(name="frequency limits", state="none below what the hardware can do")
    return SystemState(
        name="frequency limits",
        state="lowered",
        problem=f"something limits {', '.join(lowered)}: power saving, a driver, or heat",
        remedy="end power saving and let it cool, or compare only runs with the same limits",
    )


def _cpu_quota(facts: Facts) -> SystemState | None:
    if "cpu.quota" not in facts:
        return None
    quota, directory = facts["cpu.quota"], facts.get("cpu.quota_directory")
    if not isinstance(quota, float | int):
        return SystemState(name="CPU quota", state="none")
    state = f"{quota:.3g} CPUs ({directory})"
    count = facts.get("cpu.count")
    if isinstance(count, int) and quota >= count:
        return SystemState(name="CPU quota", state=f"{state}, no less than there are")
    return SystemState(
        name="CPU quota",
        state=state,
        problem=f"a CPU quota gives this control group the time of {quota:.3g} CPUs ({directory}): "
        "what takes more is made to wait, and the figures have these waits in them",
        remedy="measure without a limit (docker run without --cpus, systemd without CPUQuota=), or "
        "compare only runs with the same",
    )


def _battery(facts: Facts) -> SystemState | None:
    level, status = facts.get("battery.level_percent"), facts.get("battery.status")
    if not isinstance(level, int):
        return None
    mc = facts.get("battery.temperature_mc")
    warmth = f", {mc / 1000:.1f} °C" if isinstance(mc, int) else ""
    state = f"{level} %, {status or 'state unknown'}{warmth}"
    if facts.get("battery.saver_is_on"):
        return SystemState(
            name="battery",
            state=state,
            problem="the battery saver is on: it slows CPUs down",
            remedy="turn its battery saver off, or charge it",
        )
    if level >= _LOW_PERCENT:
        return SystemState(name="battery", state=state)
    return SystemState(
        name="battery",
        state=state,
        problem=f"the battery is low ({level} %): many machines then slow down",
        remedy="charge it",
    )


def _screen(facts: Facts) -> SystemState | None:
    wakefulness = facts.get("screen.wakefulness")
    return None if wakefulness is None else SystemState(name="screen", state=str(wakefulness))


_EVALUATORS: tuple[Callable[[Facts], SystemState | None], ...] = (
    _governor,
    _frequency_limit,
    _cpu_quota,
    _battery,
    _screen,
    _thp,
    _page_reporting,
    _bare_metal,
    _read_ahead,
    _load,
    _swap,
)
