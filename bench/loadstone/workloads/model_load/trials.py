"""Trials of model-load: builds Jobs, evaluates Outcomes."""

import errno
import re
from collections.abc import Mapping

import msgspec

from loadstone.core.explain import skipped
from loadstone.environment.file_system import MEMORY_FILE_SYSTEMS
from loadstone.environment.memory_cgroup import MemoryRoom
from loadstone.errors import system_words
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.provision.model_file import ModelFile, own_bytes
from loadstone.result_names import READY_NS, RELEASE_SPAN
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded
from loadstone.workloads.model_load.cold import content_notes, fs_type, not_from_device
from loadstone.workloads.model_load.cold import notes as cold_notes
from loadstone.workloads.model_load.engines import DIRECT, DONTCACHE, MAPPING, mismatch
from loadstone.workloads.model_load.errors import HUGE_PAGES, RULES
from loadstone.workloads.model_load.pressure import (
    OomKills,
    Pressure,
    crashed_under_pressure,
    pressure_bytes,
    pressure_gone,
)
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "model-load"

# Above this share left in the page cache, a direct load was none.
_MOST_KEPT_SHARE = 0.01
# Below this share left in the page cache, a mapped file was not all in memory.
_LEAST_KEPT_SHARE = 0.99


class PreparedLoad:
    """model-load with its file; see ``loadstone.workloads.Prepared``."""

    def __init__(self, target: Target, input: Input, file: ModelFile, pressure: Pressure) -> None:
        self.path = file.path
        self.input = (
            msgspec.structs.replace(input, size_bytes=file.bytes) if file.is_made else input
        )
        self.facts: dict[str, Value] = {
            "file.bytes": file.bytes,
            "file.hole_bytes": file.hole_bytes,
            "file.is_made": file.is_made,
        }
        self.facts |= _extent_facts(file)
        if file.crc32c is not None:
            self.facts |= {"file.crc32c": f"{file.crc32c:08x}"}
        self.facts |= pressure.facts
        self._file = file
        self._pressure = pressure
        self._oom_kills = OomKills(target)
        self._samples = target.samples(file.path)
        self._facts = target.environment(file.path).facts

    def skip_reason(self, case: Case) -> Finding | None:
        parameters = case.parameters
        return (
            mismatch(parameters)
            or self._without_device(parameters)
            or self._too_large()
            or self._pressure.too_large(case, self._file)
        )

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
            **self._pressure.job_options(case, self._file),
        }
        group = self._pressure.group_of(case, self._file)
        loaded_bytes = self._file.bytes * (1 + is_again(case)) + pressure_bytes(case)
        return Job(
            operation=OPERATION,
            options=options,
            samples=(*self._samples, *(group.samples if group else ())),
            timeout_s=60 + loaded_bytes / 1e6,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        group = self._pressure.group_of(case, self._file)
        if outcome.crash:
            return (
                group and crashed_under_pressure(outcome.crash, group, self._oom_kills.new(group))
            ) or _crashed(outcome.crash, self._file.room)
        huge_pages = self._huge_pages(int(case.parameters["buffers"]))
        if found := failure(outcome, {**case.parameters, HUGE_PAGES: huge_pages}, RULES):
            return found
        evidence = evidence_of(outcome)
        if group:
            evidence["pressure_limit_bytes"] = group.limit_bytes
        why_invalid = (
            pressure_gone(evidence)
            or self._cache_not_as_asked(case, evidence)
            or self._not_all_in_memory(case, evidence)
            or _not_direct(case, evidence)
            or (_is_read_cold(case) and not_from_device(self._file, self._facts, evidence))
            or None
        )
        notes = self._notes(case, evidence, outcome)
        return measured(_figures(outcome), evidence, why_invalid, notes)

    def _huge_pages(self, buffers: int) -> int:
        """What the pool must hold, so that a load finds enough that are not in use."""
        facts = self._facts
        huge_bytes = int(facts.get("memory.huge_page_bytes") or (2 << 20))
        used = int(facts.get("memory.hugetlb_pages") or 0) - int(
            facts.get("memory.hugetlb_free_pages") or 0
        )
        return used + -(-self._file.bytes // huge_bytes) + buffers

    def _without_device(self, parameters: Mapping[str, Value]) -> Finding | None:
        kind = fs_type(self._facts)
        if parameters["cache"] != "cold" or kind not in MEMORY_FILE_SYSTEMS:
            return None
        disk = (
            "name a directory on a disk with --dir"
            if self._file.is_made
            else ("put the file on a disk")
        )
        return skipped(
            f"{printable(self._file.path)} lies on {kind}, which is memory: never cold",
            f"{disk}, or --set cache=as-is",
        )

    def _too_large(self) -> Finding | None:
        """Also for a mapping: its first pages would be gone before the last have come."""
        file = self._file
        if not file.is_too_large:
            return None
        what, own = format_bytes_rounded(file.bytes), own_bytes(file.bytes, file.room)
        if file.bytes < file.room.limit_bytes:
            what += f", and {format_bytes_rounded(own)} of the process that loads them,"
        return skipped(f"{what} do not fit into {file.room.words}", file.room.remedy)

    def _cache_not_as_asked(
        self, case: Case, evidence: Mapping[str, float]
    ) -> tuple[str, str] | None:
        asked, found = case.parameters["cache"], evidence[_cached_before(case)]
        is_root = bool(self._facts.get("user.is_root"))
        if asked == "as-is":
            return None
        if found < 0:
            return _cache_unknown(asked, -int(found))
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

    def _not_all_in_memory(
        self, case: Case, evidence: Mapping[str, float]
    ) -> tuple[str, str] | None:
        """A mapping is the page cache: what was evicted meanwhile is not loaded.

        DAX has no page cache: there the file itself is mapped.
        """
        file_bytes, kept = evidence["file_bytes"], evidence["cached_after_bytes"]
        is_dax = re.search(r"\bdax\b", str(self._facts.get("fs.options"))) is not None
        if case.parameters["destination"] != MAPPING or kept < 0 or is_dax:
            return None
        if kept >= _LEAST_KEPT_SHARE * file_bytes:
            return None
        return (
            f"not loaded: only {format_bytes_rounded(kept)} of the mapped "
            f"{format_bytes_rounded(file_bytes)} were in memory when the last had come",
            self._file.room.remedy,
        )

    def _notes(
        self, case: Case, evidence: Mapping[str, float], outcome: Outcome
    ) -> tuple[str, ...]:
        found = list(content_notes(self._file))
        found += self._pressure.notes(case, evidence)
        if _is_read_cold(case):
            found += cold_notes(self._file, self._facts, evidence, outcome)
        kind = case.parameters["destination"]
        if str(kind).endswith("thp") and evidence["huge_bytes"] < self._file.bytes:
            found.append(f"huge pages: {max(0.0, evidence['huge_bytes']) / self._file.bytes:.0%}")
        kept = evidence["cached_after_bytes"]
        is_cold_and_dropped = case.parameters["io"] == DONTCACHE and _is_read_cold(case)
        if is_cold_and_dropped and kept > _MOST_KEPT_SHARE * self._file.bytes:
            found.append(f"{format_bytes_rounded(kept)} stayed in the page cache")
        return tuple(found)


def is_again(case: Case) -> bool:
    """Whether the second of two loads is timed; no Case of before there was the parameter is."""
    return bool(case.parameters.get("again", False))


def _is_read_cold(case: Case) -> bool:
    """Whether the devices have to read the file while it is timed."""
    return case.parameters["cache"] == "cold" and not is_again(case)


def _cached_before(case: Case) -> str:
    """The evidence of what was cached when the cache was as asked for."""
    return "first_cached_before_bytes" if is_again(case) else "cached_before_bytes"


def _extent_facts(file: ModelFile) -> dict[str, Value]:
    """Where the file's bytes lie, of that what is known."""
    extents = file.extents
    found = {
        "file.extents": extents.extents,
        "file.unwritten_bytes": extents.unwritten_bytes,
        "file.encoded_bytes": extents.encoded_bytes,
        "file.inline_bytes": extents.inline_bytes,
        "file.shared_bytes": extents.shared_bytes,
    }
    return {name: value for name, value in found.items() if value is not None}


def _cache_unknown(asked: Value, code: int) -> tuple[str, str]:
    if code in (errno.EPERM, errno.EACCES):
        return (
            f"not known to be {asked}: the kernel tells only who owns a file or may write it "
            "what is cached of it",
            "copy the file, chown it, run as root, or --set cache=as-is",
        )
    return (
        f"not known to be {asked}: neither cachestat(2) nor mincore(2) tells what is cached of "
        f"it: {system_words(code)}",
        "put the file on ext4, XFS, btrfs or F2FS, or --set cache=as-is",
    )


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


def _crashed(crash: str, room: MemoryRoom) -> Finding:
    if "SIGBUS" in crash:
        return Finding(
            status=Status.FAILED,
            reason=f"the file shrank while it was mapped, or its device failed: {crash}",
            remedy="keep the file still; look for I/O errors in dmesg",
        )
    remedy = "see dmesg; a smaller file may fit into memory"
    if room.is_of_cgroup:
        remedy = f"see dmesg for whether this cgroup's memory ran out; {room.remedy}"
    return Finding(status=Status.FAILED, reason=crash, remedy=remedy)


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
