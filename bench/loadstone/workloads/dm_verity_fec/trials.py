"""Trials of dm-verity-fec: builds Jobs, evaluates Outcomes."""

import errno
from collections.abc import Mapping

from loadstone.core.evidence import busy_ns
from loadstone.core.explain import skipped
from loadstone.errors import system_words
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.provision.device_mapper import MappedDevice, reload
from loadstone.provision.verity_image import DATA_BLOCK_BYTES
from loadstone.result_names import ELAPSED_NS
from loadstone.targets import Target
from loadstone.workloads.dm_verity_fec.devices import (
    CORRUPT,
    ERROR,
    NO_DAMAGE,
    SUSPENDED,
    Stack,
    damaged_start,
    most_blocks,
)
from loadstone.workloads.dm_verity_fec.errors import RULES
from loadstone.workloads.outcomes import counted_by_device, failure, measured

OPERATION = "damaged-read"
SET_UP_PARAMETERS = frozenset({"damage", "fec_roots", "blocks"})
"""Those of verity's table and of the device below, of which the core knows nothing."""

# As long as a merge of dm-snapshot suspends the device below. Source: commit 0193e3966cee.
_SUSPENDED_NS = 200_000_000
_LIMIT_S = 900.0
# Device-mapper counts what is read of its devices whatever their switch says.
_COUNTED = ("read_bytes", "read_ios")


class PreparedFec:
    """dm-verity-fec with its devices; see ``loadstone.workloads.Prepared``.

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
        verity = self._stack.damaged[case.id].verity
        if isinstance(verity, str):
            return skipped(
                f"this kernel makes no such verity device: {verity}",
                "see dmesg for the kernel's reason; take a kernel with CONFIG_DM_VERITY_FEC, or "
                "--set fec_roots=0",
            )
        blocks, roots = int(case.parameters["blocks"]), int(case.parameters["fec_roots"])
        layout = self._stack.layout
        if blocks > most_blocks(layout):
            return skipped(
                f"{blocks} blocks are more than half the image: {most_blocks(layout)}",
                "--set blocks to less, or a larger --size",
            )
        is_corrected = roots and case.parameters["damage"] in (CORRUPT, ERROR)
        most = layout.fec_rows(roots) * roots if is_corrected else blocks
        if blocks > most:
            return skipped(
                f"{blocks} blocks in a row are more than {roots} roots correct in an image of "
                f"this size: {most}",
                f"--set blocks={most} or less, more fec_roots, or a larger --size",
            )
        return None

    def job(self, case: Case) -> Job:
        """The Job, once verity is as if it had just been made: it has read nothing yet."""
        device = self._verity(case)
        reload(self._target, device)
        is_suspended = case.parameters["damage"] == SUSPENDED
        return Job(
            operation=OPERATION,
            options={
                "device": device.path,
                "baseline": self._stack.image.path,
                "offset": str(damaged_start(self._stack.layout)),
                "bytes": str(int(case.parameters["blocks"]) * DATA_BLOCK_BYTES),
                "read": str(case.parameters["read"]),
                "verity": device.name,
                "suspend": self._stack.damaged[case.id].below.name if is_suspended else "",
                "suspended-ns": str(_SUSPENDED_NS if is_suspended else 0),
            },
            samples=(
                *self._target.samples(None),
                *self._stats(case).values(),
                *self._stack.lower.samples(self._target),
            ),
            timeout_s=_LIMIT_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        if outcome.values["read_errno"] and not self._may_fail(case):
            return _uncorrected(case, self._verity(case))
        evidence = {name: float(value) for name, value in outcome.values.items()}
        evidence |= counted_by_device(outcome, self._stats(case), _COUNTED)
        if (busy := busy_ns(outcome.before, outcome.after)) is not None:
            evidence["cpu_per_block_ns"] = busy / int(case.parameters["blocks"])
        reason = self._why_invalid(case, evidence)
        why_invalid = (reason, "end what else reads this device") if reason else None
        return measured(_figures(case, evidence), evidence, why_invalid)

    def _verity(self, case: Case) -> MappedDevice:
        device = self._stack.damaged[case.id].verity
        assert isinstance(device, MappedDevice), "a Case without a reason to skip it has a device"
        return device

    def _may_fail(self, case: Case) -> bool:
        """Without FEC nobody corrects: EIO is what the Case is about."""
        has_fec = int(case.parameters["fec_roots"]) > 0
        return not has_fec and case.parameters["damage"] in (CORRUPT, ERROR)

    def _stats(self, case: Case) -> dict[str, str]:
        """Kernel files with what was read of the image, of its hash tree, and of FEC."""
        devices = {"image": self._stack.damaged[case.id].below, "hash": self._stack.tree.device}
        if fec := self._stack.fec.get(int(case.parameters["fec_roots"])):
            devices["fec"] = fec.device
        return {name: f"/sys/dev/block/{device.number}/stat" for name, device in devices.items()}

    def _why_invalid(self, case: Case, evidence: Mapping[str, float]) -> str | None:
        if evidence["cached_before_bytes"] < 0:
            return "not known to be cold: the kernel does not tell what is cached of the device"
        if evidence["cached_before_bytes"] > 0:
            return "not cold: some of the device was in the page cache"
        # A read that fails right there is not counted.
        is_read = case.parameters["read"] != "readahead" and case.parameters["damage"] != ERROR
        if is_read and not evidence["image_read_ios"]:
            return "not cold: nothing was read of the device below"
        is_corrected = evidence.get("corrected_blocks", 0) > 0
        if case.parameters["damage"] == NO_DAMAGE and is_corrected:
            return "blocks were corrected, though none was damaged"
        return None


def _figures(case: Case, evidence: Mapping[str, float]) -> dict[str, float]:
    blocks = int(case.parameters["blocks"])
    elapsed_ns = evidence[ELAPSED_NS] - evidence.get("suspended_ns", 0)
    reads = evidence["image_read_ios"] + evidence.get("fec_read_ios", 0)
    return {"lower_reads_per_block": reads / blocks, "block_ns": elapsed_ns / blocks}


def _uncorrected(case: Case, device: MappedDevice) -> Finding:
    is_damaged = case.parameters["damage"] in (CORRUPT, ERROR)
    what = "FEC did not correct a damaged block" if is_damaged else "a block that is not damaged"
    return Finding(
        status=Status.FAILED,
        reason=f"{what}: read {device.path}: {system_words(errno.EIO)}",
        remedy="see dmesg for what dm-verity says of it",
    )
