"""What basic work of kernel and processor costs: the kinds of work, and costs from Outcomes."""

from loadstone.core.explain import describe
from loadstone.core.remote_files import Execute
from loadstone.errors import CannotMeasureError
from loadstone.model import Job, Noun, Outcome
from loadstone.result_names import ELAPSED_NS


class Microbenchmark(Noun, frozen=True, kw_only=True):
    """One kind of work; ``unit`` is what its cost is of."""

    unit: str
    needs_file: bool = False


MICROBENCHMARKS = {
    "memcpy": Microbenchmark(unit="MiB"),
    "memset": Microbenchmark(unit="MiB"),
    "kernel-copy": Microbenchmark(unit="MiB"),
    "syscall": Microbenchmark(unit="call"),
    "minor-fault": Microbenchmark(unit="fault"),
    "thp-fault": Microbenchmark(unit="MiB"),
    "context-switch": Microbenchmark(unit="switch"),
    "clock-read": Microbenchmark(unit="read"),
    "write": Microbenchmark(unit="MiB", needs_file=True),
    "read-pread": Microbenchmark(unit="MiB", needs_file=True),
    "read-mmap": Microbenchmark(unit="MiB", needs_file=True),
}
"""By the names that the core has for them."""

# Few, for a guest that runs at a fiftieth of this machine's speed.
_BOOT_COUNTS = {
    "memcpy": 8,
    "memset": 8,
    "kernel-copy": 8,
    "syscall": 500,
    "minor-fault": 512,
    "context-switch": 200,
}
_BOOT_BATCHES = 3


def cost_ns(outcome: Outcome) -> float:
    """What one unit cost in the best batch: disturbance only adds."""
    return outcome.values["best_ns"] / outcome.values["batch_count"]


def mean_cost_ns(outcome: Outcome) -> float:
    """What one unit cost over all batches."""
    return outcome.values[ELAPSED_NS] / outcome.values["count"]


def boot_calibration(execute: Execute) -> dict[str, float]:
    """The costs, in ns, that show how one boot of a guest differs from another.

    Returns:
        Facts by name, such as ``calibration.memcpy_ns_per_mib`` and ``calibration.syscall_ns``.

    Raises:
        CannotMeasureError: the machine cannot do one of these.
    """
    return {_fact_name(work): _boot_cost_ns(execute, work) for work in _BOOT_COUNTS}


def _fact_name(work: str) -> str:
    per = "_ns_per_mib" if MICROBENCHMARKS[work].unit == "MiB" else "_ns"
    return f"calibration.{work.replace('-', '_')}{per}"


def _boot_cost_ns(execute: Execute, work: str) -> float:
    options = {"effect": work, "count": str(_BOOT_COUNTS[work]), "batches": str(_BOOT_BATCHES)}
    outcome = execute(Job(operation="calibrate", options=options))
    if outcome.error or outcome.crash:
        why = describe(outcome.error) if outcome.error else outcome.crash
        raise CannotMeasureError(f"calibrating {work}: {why}", remedy="see dmesg")
    return cost_ns(outcome)
