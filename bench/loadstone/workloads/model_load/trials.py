"""Trials of model-load: builds Jobs, evaluates Outcomes."""

from collections.abc import Mapping

import msgspec

from loadstone.core.explain import skipped
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.provision.model_file import ModelFile
from loadstone.result_names import READY_NS, RELEASE_SPAN
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded
from loadstone.workloads.model_load.engines import DIRECT, mismatch
from loadstone.workloads.model_load.errors import HUGE_PAGES, RULES
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "model-load"

# Below this a device read less than the file holds, so some of it came from elsewhere.
_LEAST_READ_SHARE = 0.98
_MOST_READ_SHARE = 1.10
_LEAST_JUDGED_BYTES = 1 << 20
# Above this share left in the page cache, a direct load was none.
_MOST_KEPT_SHARE = 0.01
_PLAIN_FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs")
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs", "devtmpfs")


class PreparedLoad:
    """model-load with its file; see ``loadstone.workloads.Prepared``."""

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
        self._samples = target.samples(file.path)
        self._facts = target.environment(file.path).facts

    def skip_reason(self, case: Case) -> Finding | None:
        parameters = case.parameters
        return mismatch(parameters) or self._without_device(parameters) or self._too_large()

    def job(self, case: Case) -> Job:
        kind, _, heap = str(case.parameters["destination"]).partition(":")
        options = core_options(case.parameters)
        options |= {
            "file": self._file.path,
            "destination": kind,
            "heap": heap,
            "checksums": self._file.checksums,
            "expect-bytes": str(self._file.bytes),
            "expect-inode": str(self._file.inode),
            "expect-mtime-ns": str(self._file.mtime_ns),
        }
        return Job(
            operation=OPERATION,
            options=options,
            samples=self._samples,
            timeout_s=60 + self._file.bytes / 1e6,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if outcome.crash:
            return _crashed(outcome.crash)
        huge_pages = self._huge_pages(int(case.parameters["buffers"]))
        if found := failure(outcome, {**case.parameters, HUGE_PAGES: huge_pages}, RULES):
            return found
        evidence = evidence_of(outcome)
        why_invalid = (
            self._cache_not_as_asked(case, evidence)
            or _not_direct(case, evidence)
            or self._not_from_device(case, evidence)
        )
        return measured(_figures(outcome), evidence, why_invalid, self._notes(case, evidence))

    def _huge_pages(self, buffers: int) -> int:
        """What the pool must hold, so that a load finds enough that are not in use."""
        facts = self._facts
        huge_bytes = int(facts.get("memory.huge_page_bytes") or (2 << 20))
        used = int(facts.get("memory.hugetlb_pages") or 0) - int(
            facts.get("memory.hugetlb_free_pages") or 0
        )
        return used + -(-self._file.bytes // huge_bytes) + buffers

    def _without_device(self, parameters: Mapping[str, Value]) -> Finding | None:
        if parameters["cache"] != "cold" or self._facts.get("fs.type") not in _MEMORY_FILE_SYSTEMS:
            return None
        disk = (
            "name a directory on a disk with --dir"
            if self._file.is_made
            else ("put the file on a disk")
        )
        return skipped(
            f"{printable(self._file.path)} lies on {self._facts['fs.type']}, which is memory: "
            "never cold",
            f"{disk}, or --set cache=as-is",
        )

    def _too_large(self) -> Finding | None:
        """Also for a mapping: its first pages would be gone before the last have come."""
        file = self._file
        if not file.is_too_large:
            return None
        return skipped(
            f"{format_bytes_rounded(file.bytes)} do not fit into the "
            f"{format_bytes_rounded(file.limit_bytes)} of memory that are available",
            "free memory, or load a smaller file",
        )

    def _cache_not_as_asked(
        self, case: Case, evidence: Mapping[str, float]
    ) -> tuple[str, str] | None:
        asked, found = case.parameters["cache"], evidence["cached_before_bytes"]
        is_root = bool(self._facts.get("user.is_root"))
        if asked == "as-is":
            return None
        if found < 0:
            return (
                f"not known to be {asked}: the kernel tells only who owns a file or may write it "
                "what is cached of it",
                "copy the file, chown it, run as root, or --set cache=as-is",
            )
        if asked == "cold" and found > 0:
            stop = "stop what maps or reads the file (fuser -v tells who)"
            return (
                f"not cold: {format_bytes_rounded(found)} of the file stayed in the page cache",
                f"{stop}, or --set cache=as-is"
                if is_root
                else f"{stop}, run as root (drop_caches), or --set cache=as-is",
            )
        if asked == "warm" and (missing := evidence["file_bytes"] - found) > 0:
            return (
                f"not warm: {format_bytes_rounded(missing)} of the file were not in the page cache",
                "free memory, so that the file stays cached",
            )
        return None

    def _not_from_device(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, str] | None:
        """A cold Trial whose bytes the device never read has met a cache that we can't see."""
        share = self._read_share(evidence)
        if case.parameters["cache"] != "cold" or share is None or share >= _LEAST_READ_SHARE:
            return None
        return (
            f"the device {self._facts.get('block.name')} read only {share:.0%} of the file's "
            "bytes: the rest came from a cache",
            "run as root, so that drop_caches reaches caches below this file system",
        )

    def _read_share(self, evidence: Mapping[str, float]) -> float | None:
        is_plain = self._facts.get("fs.type") in _PLAIN_FILE_SYSTEMS and not self._file.hole_bytes
        if not is_plain or self._file.bytes < _LEAST_JUDGED_BYTES:
            return None
        read_bytes = evidence.get("block.read_bytes")
        return None if read_bytes is None else read_bytes / self._file.bytes

    def _notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        notes = []
        if self._file.hole_bytes:
            notes.append(
                f"sparse or compressed: {format_bytes_rounded(self._file.hole_bytes)} are not on "
                "the device; bandwidth above the device's is not the device's"
            )
        share = self._read_share(evidence)
        if case.parameters["cache"] == "cold" and share is not None and share > _MOST_READ_SHARE:
            notes.append("other I/O on the device")
        kind = case.parameters["destination"]
        if kind == "thp" and evidence["huge_bytes"] < self._file.bytes:
            notes.append(f"huge pages: {max(0.0, evidence['huge_bytes']) / self._file.bytes:.0%}")
        return tuple(notes)


def _not_direct(case: Case, evidence: Mapping[str, float]) -> tuple[str, str] | None:
    """btrfs reads through the page cache into memory that O_DIRECT finds not yet faulted in."""
    kept = evidence["cached_after_bytes"]
    is_cold_and_direct = (case.parameters["io"], case.parameters["cache"]) == (DIRECT, "cold")
    if not is_cold_and_direct or kept <= _MOST_KEPT_SHARE * evidence["file_bytes"]:
        return None
    return (
        f"not direct: {format_bytes_rounded(kept)} of the file were in the page cache afterwards, "
        "so its file system read it through there",
        "--set overlap=8m (btrfs reads directly into memory that is there), --set io=buffered, "
        "or a file on ext4 or XFS",
    )


def _crashed(crash: str) -> Finding:
    if "SIGBUS" in crash:
        return Finding(
            status=Status.FAILED,
            reason=f"the file shrank while it was mapped, or its device failed: {crash}",
            remedy="keep the file still; look for I/O errors in dmesg",
        )
    return Finding(
        status=Status.FAILED, reason=crash, remedy="see dmesg; a smaller file may fit into memory"
    )


def _figures(outcome: Outcome) -> dict[str, float]:
    ready_ns, file_bytes = outcome.values[READY_NS], outcome.values["file_bytes"]
    release = [span.end_ns - span.start_ns for span in outcome.spans if span.name == RELEASE_SPAN]
    return {
        "throughput": file_bytes / ready_ns * 1e9,
        READY_NS: ready_ns,
        "first_byte_ns": outcome.values["first_byte_ns"],
        "cpu_per_gb": outcome.values["cpu_ns"] / file_bytes,
        "release_ns": sum(release),
    }
