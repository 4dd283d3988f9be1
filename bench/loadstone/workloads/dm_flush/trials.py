"""Trials of dm-flush: builds Jobs, evaluates Outcomes."""

from collections.abc import Mapping, Sequence

from loadstone.core.histogram import percentile
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice
from loadstone.result_names import ELAPSED_NS
from loadstone.targets import Target
from loadstone.workloads.dm_flush.errors import RULES
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "dm-flush"
SET_UP_PARAMETERS = frozenset({"segments", "table", "devices", "segment", "stride"})
"""Those of the table, of which the core knows nothing."""

_LEAST_LIMIT_S = 600.0
# A phone of the postings needs 5 ms for each of them.
_SLOWEST_SYNC_S = 0.1
_UNKNOWN = -1.0


class PreparedFlush:
    """dm-flush with a device for every Case; see ``loadstone.workloads.Prepared``.

    Args:
        devices: those below the tables.
        tables: what each Case writes to, by its id.
        version: of the kernel's device-mapper interface.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        devices: Sequence[BlockDevice],
        tables: Mapping[str, MappedDevice],
        version: str,
    ) -> None:
        self.path = devices[0].path
        self.input = input
        self.facts: Mapping[str, Value] = {"dm.version": version, **devices[0].facts}
        self._tables = tables
        of_devices = (file for one in devices for file in one.samples(target))
        self._samples = (*target.samples(None), *of_devices)
        facts = target.environment(self.path).facts
        self._has_write_cache = facts.get("block.write_cache") == "write back"

    def skip_reason(self, case: Case) -> Finding | None:
        del case
        return None

    def job(self, case: Case) -> Job:
        parameters = case.parameters
        options = core_options(parameters, SET_UP_PARAMETERS)
        syncs = int(parameters["writes"]) * int(parameters["threads"])
        return Job(
            operation=OPERATION,
            options={"device": self._tables[case.id].path, **options},
            samples=self._samples,
            timeout_s=_LEAST_LIMIT_S + int(parameters["seconds"]) + syncs * _SLOWEST_SYNC_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome)
        evidence |= _per_sync(evidence)
        return measured(_figures(outcome), evidence, notes=self._notes(evidence))

    def _notes(self, evidence: Mapping[str, float]) -> tuple[str, ...]:
        notes = []
        if evidence["flushes_per_sync"] == 0:
            notes.append(
                "no flush reached the device below: "
                + (
                    "it does not count them (bio-based)"
                    if self._has_write_cache
                    else "it has no volatile write cache, so the kernel drops them"
                )
            )
        if evidence["flushes_per_sync"] < 0:
            notes.append(
                "flushes unknown: the device below does not count them (queue/iostats is 0, its "
                "driver never does, or Linux is older than 5.5)"
            )
        if evidence["remaps_per_flush"] < 0:
            notes.append("remaps unknown: root may count them (tracepoint block:block_bio_remap)")
        return tuple(notes)


def _per_sync(evidence: Mapping[str, float]) -> dict[str, float]:
    """Flush I/Os of the devices below, and bios that one flush of a clean device becomes."""
    flushes, remaps = evidence.get("block.flush_ios"), evidence["counted_remaps"]
    return {
        "flushes_per_sync": _UNKNOWN if flushes is None else flushes / evidence["syncs"],
        "remaps_per_flush": _UNKNOWN if remaps < 0 else remaps / evidence["counted_syncs"],
    }


def _figures(outcome: Outcome) -> dict[str, float]:
    values = outcome.values
    elapsed_s = values[ELAPSED_NS] / 1e9
    figures = {
        "throughput": values["bytes"] / 1024 / elapsed_s,
        "syncs_per_s": values["syncs"] / elapsed_s,
    }
    latencies = {histogram.name: histogram for histogram in outcome.histograms}
    for name, latency, share in (
        ("sync_ns", "sync", 0.5),
        ("sync_p99_ns", "sync", 0.99),
        ("write_ns", "write", 0.5),
    ):
        value_ns = percentile(latencies[latency], share) if latency in latencies else None
        if value_ns is not None:
            figures[name] = float(value_ns)
    return figures
