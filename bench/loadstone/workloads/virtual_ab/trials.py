"""Trials of virtual-ab: builds Jobs, evaluates Outcomes."""

from collections.abc import Mapping

from loadstone.core.explain import skipped
from loadstone.core.histogram import percentile
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.device_mapper import MappedDevice, reload
from loadstone.provision.verity_image import DATA_BLOCK_BYTES, DIGEST_BYTES
from loadstone.targets import Target
from loadstone.units import format_bytes, format_bytes_rounded
from loadstone.workloads.outcomes import counted_by_device, failure, measured
from loadstone.workloads.parameters import core_options
from loadstone.workloads.virtual_ab.devices import Stack, make_state
from loadstone.workloads.virtual_ab.errors import RULES
from loadstone.workloads.virtual_ab.stores import CHUNK_BYTES, changed_bytes

OPERATION = "merge-read"
SET_UP_PARAMETERS = frozenset({"state", "extents", "changed", "piece", "fec_roots"})
"""Those of the tables, of which the core knows nothing."""

MERGING = "merging"

_COUNTED = ("read_ios", "read_bytes", "write_ios", "write_bytes")
_LEAST_READS = 100
_LIMIT_S = 900.0
_MIB = 1 << 20
# What a block of the hash tree covers.
_WARM_STRIDE = DATA_BLOCK_BYTES // DIGEST_BYTES * DATA_BLOCK_BYTES


class PreparedUpdate:
    """virtual-ab with its devices; see ``loadstone.workloads.Prepared``.

    Args:
        version: of the device-mapper interface.
    """

    def __init__(self, target: Target, input: Input, stack: Stack, version: str) -> None:
        self.path = stack.lower.path
        self.input = input
        self.facts: Mapping[str, Value] = {
            "dm.version": version,
            "file.bytes": stack.layout.image_bytes,
            **stack.lower.facts,
        }
        self._target = target
        self._stack = stack

    def skip_reason(self, case: Case) -> Finding | None:
        verity = self._stack.verity[int(case.parameters["fec_roots"])]
        if isinstance(verity, str):
            return skipped(
                f"this kernel makes no such verity device: {verity}",
                "see dmesg for the kernel's reason; take a kernel with CONFIG_DM_VERITY_FEC, or "
                "--set fec_roots=0",
            )
        image_bytes = self._stack.layout.image_bytes
        for name in ("piece", "block"):
            if int(case.parameters[name]) > image_bytes:
                return skipped(
                    f"{name}: {format_bytes(int(case.parameters[name]))} are more than the image "
                    f"of {format_bytes_rounded(image_bytes)}",
                    f"--set {name} to less, or a larger --size",
                )
        return None

    def job(self, case: Case) -> Job:
        """The Job, once the update has come to where it is read, and verity has read nothing."""
        make_state(self._target, self._stack, case)
        device, stack = self._verity(case), self._stack
        reload(self._target, device)
        is_updated = case.parameters["state"] == "updated"
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        options |= {
            "device": device.path,
            "verity": device.name,
            "image": stack.image.path,
            "compared": (stack.snapshot if is_updated else stack.base).path,
            "warm-stride": str(_WARM_STRIDE),
        }
        if case.parameters["state"] == MERGING:
            options |= {
                "snapshot": stack.snapshot.name,
                "merging": stack.table(case, "snapshot-merge"),
                "merged": stack.merged_table,
            }
        return Job(
            operation=OPERATION,
            options=options,
            samples=(
                *self._target.samples(None),
                *self._stats(case).values(),
                *stack.lower.samples(self._target),
            ),
            timeout_s=_LIMIT_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = {name: float(value) for name, value in outcome.values.items()}
        evidence |= counted_by_device(outcome, self._stats(case), _COUNTED)
        metrics, latency = {}, next(one for one in outcome.histograms if one.name == "read")
        for name, share in (("read_ns", 0.5), ("read_p99_ns", 0.99)):
            if (value_ns := percentile(latency, share)) is not None:
                metrics[name] = float(value_ns)
        evidence["read_max_ns"] = float(latency.max_ns)
        if case.parameters["state"] == MERGING:
            metrics |= _figures_of_merge(evidence)
            evidence |= _moved_by_merge(evidence)
        return measured(metrics, evidence, self._why_invalid(case, evidence), _notes(evidence))

    def _why_invalid(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, str] | None:
        if case.parameters["state"] == MERGING:
            changed = changed_bytes(case, self._stack.layout.image_bytes)
            if evidence["merged_bytes"] != changed:
                return (
                    f"{evidence['merged_bytes']:.0f} bytes were merged, and the update changed "
                    f"{changed}",
                    "end what else writes to this device",
                )
        if evidence["reads"] < _LEAST_READS:
            return (
                f"it was over after {evidence['reads']:.0f} reads: too few for a percentile",
                "--set changed or total to more, or a larger --size",
            )
        return None

    def _verity(self, case: Case) -> MappedDevice:
        device = self._stack.verity[int(case.parameters["fec_roots"])]
        assert isinstance(device, MappedDevice), "a Case without a reason to skip it has a device"
        return device

    def _stats(self, case: Case) -> dict[str, str]:
        """Kernel files with what was done to each device of the update."""
        devices = {"base": self._stack.base, "hash": self._stack.tree.device}
        if case.parameters["state"] != "merged":
            devices["cow"] = self._stack.store(case)
        if fec := self._stack.fec.get(int(case.parameters["fec_roots"])):
            devices["fec"] = fec.device
        return {name: f"/sys/dev/block/{device.number}/stat" for name, device in devices.items()}


def _figures_of_merge(evidence: Mapping[str, float]) -> dict[str, float]:
    figures = {"merge_mib_per_s": evidence["merged_bytes"] / _MIB / evidence["merge_ns"] * 1e9}
    if "block.flush_ios" in evidence:
        chunks = evidence["merged_bytes"] / CHUNK_BYTES
        figures["flushes_per_chunk"] = evidence["block.flush_ios"] / chunks
    return figures


def _moved_by_merge(evidence: Mapping[str, float]) -> dict[str, float]:
    """What was read and written for each byte that was merged, but for what readers read."""
    read, written = (
        sum(evidence[f"{device}_{way}_bytes"] for device in ("base", "cow"))
        for way in ("read", "write")
    )
    return {
        "read_per_merged_byte": (read - evidence["bytes"]) / evidence["merged_bytes"],
        "written_per_merged_byte": written / evidence["merged_bytes"],
    }


def _notes(evidence: Mapping[str, float]) -> tuple[str, ...]:
    if reads := evidence.get("fec_read_ios", 0):
        return (f"dm-verity took blocks for damaged, and read {reads:.0f} times of FEC",)
    return ()
