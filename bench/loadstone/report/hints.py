"""What is worth knowing about the conditions of a Run before its figures are believed."""

from collections.abc import Iterator, Sequence

from loadstone.model import Run
from loadstone.stats import Interval
from loadstone.summary import CaseSummary

_UNSTEADY = 0.10
_DEFAULT_READ_AHEAD_KB = 128
# Free blocks of this order and above go back to the host; from the largest order on, none do.
_LARGEST_ORDER = 10
_STOLEN = 0.02
_BUSY_LOAD = 0.5


def hints(run: Run, summaries: Sequence[CaseSummary]) -> list[str]:
    """Sentences on unsteady figures, their likely causes, and what to do."""
    found = list(_conditions(run, summaries))
    unsteady = [summary for summary in summaries if _spread(summary, run) > _UNSTEADY]
    if unsteady:
        found.insert(
            0,
            f"{len(unsteady)} of {sum(1 for s in summaries if s.trials)} Cases are unsteady "
            f"(interval wider than ±{_UNSTEADY:.0%}): more --rounds, or mend the causes below",
        )
    return found


def _spread(summary: CaseSummary, run: Run) -> float:
    interval = primary(run, summary)
    if interval is None or not interval.median:
        return 0.0
    return (interval.high - interval.low) / 2 / interval.median


def primary(run: Run, summary: CaseSummary) -> Interval | None:
    """The Case's interval of the metric that Cases are ranked by."""
    return summary.metrics.get(run.manifest.metrics[0].name) if run.manifest.metrics else None


def _conditions(run: Run, summaries: Sequence[CaseSummary]) -> Iterator[str]:
    facts = run.manifest.environment.facts
    order = facts.get("memory.page_reporting_order")
    if facts.get("cpu.is_virtual") and isinstance(order, int) and order <= _LARGEST_ORDER:
        yield (
            "this virtual machine hands free memory back to its host (free page reporting), so "
            "that touching memory anew is dear and varies; for steadier figures, as root: "
            f"echo {_LARGEST_ORDER + 1} > /sys/module/page_reporting/parameters/"
            f"page_reporting_order (now {order})"
        )
    if facts.get("cpu.is_virtual"):
        yield (
            "in a virtual machine `cold` is cold for this kernel only: the host may hold the file "
            "in its own cache"
        )
    read_ahead = facts.get("block.read_ahead_kb")
    if isinstance(read_ahead, int) and read_ahead != _DEFAULT_READ_AHEAD_KB:
        yield (
            f"read_ahead_kb is {read_ahead} here (Linux's default is {_DEFAULT_READ_AHEAD_KB}): "
            "buffered and mmap figures hang on it"
        )
    governor = facts.get("cpu.governor")
    if governor not in (None, "performance"):
        yield f"the CPU governor is {governor}; `performance` is steadier"
    yield from _disturbance(run, summaries)


def _disturbance(run: Run, summaries: Sequence[CaseSummary]) -> Iterator[str]:
    shares = [
        summary.evidence["cpu.steal_ns"] / summary.evidence["ready_ns"]
        for summary in summaries
        if summary.evidence.get("ready_ns") and "cpu.steal_ns" in summary.evidence
    ]
    if shares and max(shares) > _STOLEN:
        yield f"the hypervisor stole up to {max(shares):.0%} of a CPU's time during Trials"
    load, cpus = run.manifest.environment.facts.get("load.1min"), _cpus(run)
    if isinstance(load, float) and load > _BUSY_LOAD * cpus:
        yield f"the machine was busy when the Run began (load {load:g} on {cpus} CPUs)"


def _cpus(run: Run) -> int:
    count = run.manifest.environment.facts.get("cpu.count")
    return count if isinstance(count, int) and count else 1
