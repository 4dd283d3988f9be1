"""Whether two Runs have a common clock, and which facts differ between them."""

from loadstone.analysis import time_base
from loadstone.errors import CannotMeasureError
from loadstone.model import Clock, Conditions, Run
from loadstone.result_names import IMPORTED_HOST, IMPORTED_VERSION

_KEY_FACTS = (
    IMPORTED_VERSION,
    IMPORTED_HOST,
    "kernel.release",
    "cpu.model",
    "cpu.governor",
    "cpu.pinned",
    "memory.thp",
    "memory.page_reporting_order",
    "block.scheduler",
    "block.read_ahead_kb",
    "pressure.is_in_cgroup",
    "file.bytes",
    "fs.type",
    "fs.mkfs",
    "clock.processor",
    "lab.memory_bytes",
    "lab.qemu",
    "lab.append",
    "lab.modules",
)
# Simulated storage is whatever its parameters make it: all of them decide.
_KEY_PREFIX = "storage."


def common_clock(base: Run, new: Run) -> Clock | None:
    """The clock of both Runs, None on real machines.

    Raises:
        CannotMeasureError: each has another; their figures have no common unit.
    """
    clocks = [time_base.clock_of(run.manifest.environment) for run in (base, new)]
    if time_base.tag(clocks[0]) != time_base.tag(clocks[1]):
        raise CannotMeasureError(
            f"{base.id} is measured in {time_base.title(clocks[0])}, and {new.id} in "
            f"{time_base.title(clocks[1])}: such figures have no common unit",
            remedy="run both on one machine, or both in the lab with one --clock",
        )
    return clocks[0]


def kernel_of(run: Run) -> str | None:
    """Its release, and what the user called it where that says more."""
    release, name = (
        run.manifest.environment.facts.get(fact) for fact in ("kernel.release", "lab.kernel")
    )
    if release is None:
        return None
    return str(release) if name in (None, release) else f"{release} ({name})"


def fact_warnings(base: Run, new: Run) -> list[str]:
    """The facts in which the Runs differ; one that a Run lacks is not counted as different."""
    before, after = (_identity(run) for run in (base, new))
    wanted = _intended_differences(base, new)
    return [
        f"{name}: {value} in BASE, {after[name]} in NEW"
        for name, value in before.items()
        if None not in (value, after.get(name)) and value != after[name] and name not in wanted
    ]


def _intended_differences(base: Run, new: Run) -> set[str]:
    """The facts that are meant to differ: the release, where the lab's kernels are compared."""
    named = [run.manifest.environment.facts.get("lab.kernel") for run in (base, new)]
    return {"kernel.release"} if None not in named and named[0] != named[1] else set()


def _identity(run: Run) -> dict[str, object]:
    manifest = run.manifest
    facts = manifest.environment.facts
    return {
        "file": manifest.plan.input.file,
        "cool_below": _cool_below(manifest.plan.conditions),
        "size_bytes": manifest.plan.input.size_bytes,
        "target": manifest.environment.target,
        "loadstone": manifest.loadstone,
        "core": manifest.core,
        **{name: facts.get(name) for name in _KEY_FACTS},
        **{name: facts[name] for name in sorted(facts) if name.startswith(_KEY_PREFIX)},
    }


def _cool_below(conditions: Conditions) -> str:
    below_c = conditions.cool_below_c
    return "no temperature was waited for" if below_c is None else f"{below_c:g} °C"
