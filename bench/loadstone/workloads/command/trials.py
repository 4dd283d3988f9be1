"""Trials of command: builds Jobs, evaluates Outcomes."""

from collections.abc import Mapping

import msgspec

from loadstone.core.explain import skipped
from loadstone.environment.file_system import MEMORY_FILE_SYSTEMS
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.model_file import ModelFile
from loadstone.result_names import READY_NS
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.workloads.cold_reads.cache_state import not_in_state
from loadstone.workloads.cold_reads.content import content_notes, fs_type
from loadstone.workloads.cold_reads.trials import READ_BYTES
from loadstone.workloads.command.errors import RULES
from loadstone.workloads.command.placeholder import FILE, names_file, with_file
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "command"
LOADING_NS = "loading_ns"
LOADING_THROUGHPUT = "loading_throughput"
"""Figures from when the command says that it has started and loads."""

# To end what is left of a command, beyond its own limit.
_GRACE_S = 60.0
_SLOWEST_BYTES_PER_S = 1e6
# What the copy of the Job's process may yet touch before exec, and what the kernel's count of
# resident pages is off by.
_EXEC_BYTES = 4 << 20
# Below this a device read less than the file holds.
_LEAST_READ_SHARE = 0.98


class PreparedCommand:
    """command with its file; see ``loadstone.workloads.Prepared``."""

    def __init__(self, target: Target, input: Input, file: ModelFile) -> None:
        self.path = file.path
        self.input = (
            msgspec.structs.replace(input, size_bytes=file.bytes) if file.is_made else input
        )
        self.facts: dict[str, Value] = {
            "file.bytes": file.bytes,
            "file.hole_bytes": file.hole_bytes,
            "file.is_made": file.is_made,
        }
        if file.crc32c is not None:
            self.facts |= {"file.crc32c": f"{file.crc32c:08x}"}
        self._file = file
        self._facts = target.environment(file.path).facts
        self._samples = target.samples(file.path)

    def skip_reason(self, case: Case) -> Finding | None:
        kind = fs_type(self._facts)
        if case.parameters["cache"] != "cold" or kind not in MEMORY_FILE_SYSTEMS:
            return None
        disk = "name a directory on a disk with --dir" if self._file.is_made else "put it on a disk"
        return skipped(
            f"{printable(self._file.path)} lies on {kind}, which is memory: never cold",
            f"{disk}, or --set cache=as-is",
        )

    def job(self, case: Case) -> Job:
        options = core_options(case.parameters)
        options |= {
            "command": with_file(options["command"], self._file.path),
            "file": self._file.path,
            "expect-bytes": str(self._file.bytes),
            "expect-inode": str(self._file.inode),
            "expect-mtime-ns": str(self._file.mtime_ns),
        }
        limit_s = int(case.parameters["limit"]) + self._file.bytes / _SLOWEST_BYTES_PER_S
        return Job(
            operation=OPERATION,
            options=options,
            samples=self._samples,
            timeout_s=limit_s + _GRACE_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome)
        if READ_BYTES in evidence:
            evidence["read_share"] = evidence[READ_BYTES] / evidence["file_bytes"]
        why_invalid = not_in_state(
            str(case.parameters["cache"]),
            evidence["cached_before_bytes"],
            evidence["file_bytes"],
            is_root=bool(self._facts.get("user.is_root")),
        )
        return measured(_figures(evidence), evidence, why_invalid, self._notes(case, evidence))

    def _notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        found = list(content_notes(self._file))
        if not names_file(str(case.parameters["command"])):
            found.append(f"the command has no {FILE}: nothing tells that it loads the file")
        if case.parameters["cache"] == "cold":
            found += self._cold_notes(evidence)
        if left := int(evidence["left_processes"]):
            found.append(f"it left {left} process{'es' if left > 1 else ''}, killed when it ended")
        if evidence["stopped"]:
            found.append("it was killed, as it went on for 5 s after it was ready")
        return tuple(found)

    def _cold_notes(self, evidence: Mapping[str, float]) -> list[str]:
        found = []
        share = evidence.get("read_share")
        if share is not None and share < _LEAST_READ_SHARE:
            found.append(
                f"the device read {share:.0%} of the file's bytes: the command did not touch the "
                "others, or a cache below had them"
            )
        if evidence["drop_caches"]:
            found.append("drop_caches made the command's own programs cold, too")
        return found


def _figures(evidence: Mapping[str, float]) -> dict[str, float]:
    """What is not known (a peak below what is seen, a loading that was not said) is left out."""
    ready_ns, file_bytes = evidence[READY_NS], evidence["file_bytes"]
    figures = {
        "throughput": file_bytes / ready_ns * 1e9,
        READY_NS: ready_ns,
        "cpu_per_gb": evidence["cpu_ns"] / file_bytes,
    }
    if "start_up_ns" in evidence:
        figures[LOADING_NS] = ready_ns - evidence["start_up_ns"]
    # It is 0 where both words came in one breath.
    if loading_ns := figures.get(LOADING_NS):
        figures[LOADING_THROUGHPUT] = file_bytes / loading_ns * 1e9
    if evidence["maxrss_bytes"] > evidence["inherited_maxrss_bytes"] + _EXEC_BYTES:
        figures["peak_memory_bytes"] = evidence["maxrss_bytes"]
    return figures
