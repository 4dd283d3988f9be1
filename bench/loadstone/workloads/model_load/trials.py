"""Trials of model-load: builds Jobs, evaluates Outcomes."""

from collections.abc import Mapping

import msgspec

from loadstone.core.explain import skipped
from loadstone.environment.file_system import MEMORY_FILE_SYSTEMS
from loadstone.environment.memory_cgroup import MemoryRoom
from loadstone.model import Case, Fact, Finding, Input, Job, Noun, Outcome, Status, Value
from loadstone.provision.model_file import ModelFile, own_bytes
from loadstone.result_names import READY_NS, RELEASE_SPAN
from loadstone.targets import Target
from loadstone.text import printable
from loadstone.units import format_bytes_rounded
from loadstone.workloads.cold_reads.content import content_notes, fs_type
from loadstone.workloads.cold_reads.trials import READ_BYTES
from loadstone.workloads.model_load.cold import not_from_device
from loadstone.workloads.model_load.cold import notes as cold_notes
from loadstone.workloads.model_load.engines import REUSED, mismatch
from loadstone.workloads.model_load.errors import HUGE_PAGES, RULES
from loadstone.workloads.model_load.images import NO_IMAGE, StoredModel, image_of, unfit
from loadstone.workloads.model_load.page_cache import (
    is_again,
    is_read_cold,
    kept_notes,
    not_all_in_memory,
    not_as_asked,
    not_direct,
)
from loadstone.workloads.model_load.pressure import (
    OomKills,
    Pressure,
    crashed_under_pressure,
    pressure_bytes,
)
from loadstone.workloads.outcomes import evidence_of, failure, measured, pressure_gone
from loadstone.workloads.parameters import core_options

OPERATION = "model-load"
SET_UP_PARAMETERS = frozenset({"image"})
"""That of where the model lies, of which the core knows nothing."""


NO_IMAGES: Mapping[str, StoredModel | Finding] = {}


class Place(Noun, frozen=True, kw_only=True):
    """A file that Cases load, what it lies on, and the kernel files to sample around a load."""

    file: ModelFile
    facts: Mapping[str, Fact]
    samples: tuple[str, ...]

    @staticmethod
    def of(target: Target, file: ModelFile) -> "Place":
        return Place(
            file=file,
            facts=target.environment(file.path).facts,
            samples=target.samples(file.path),
        )


class PreparedLoad:
    """model-load with its file; see ``loadstone.workloads.Prepared``."""

    def __init__(
        self,
        target: Target,
        input: Input,
        file: ModelFile,
        pressure: Pressure,
        images: Mapping[str, StoredModel | Finding] = NO_IMAGES,
    ) -> None:
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
        self._images = images
        self._places = {NO_IMAGE: Place.of(target, file)}
        for name, image in images.items():
            if isinstance(image, StoredModel):
                self.facts |= image.facts
                self._places[name] = Place.of(target, image.file)

    def skip_reason(self, case: Case) -> Finding | None:
        parameters = case.parameters
        image = self._images.get(image_of(case))
        return (
            mismatch(parameters)
            or self._too_large()
            or unfit(case)
            or (image if isinstance(image, Finding) else None)
            or self._without_device(case)
            or self._pressure.too_large(case, self._file)
        )

    def job(self, case: Case) -> Job:
        place = self._place(case)
        kind, _, heap = str(case.parameters["destination"]).partition(":")
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        options |= {
            "file": place.file.path,
            "destination": kind,
            "heap": heap,
            "checksums": self._file.checksums,
            "expect-bytes": str(self._file.bytes),
            "expect-inode": str(place.file.inode),
            "expect-mtime-ns": str(place.file.mtime_ns),
            **self._pressure.job_options(case, self._file),
        }
        if image_of(case) != NO_IMAGE or place.facts.get("cache.below"):
            # What is cached compressed, or below the file system, is no page of the file.
            options["drop"] = "caches"
        group = self._pressure.group_of(case, self._file)
        loaded_bytes = self._file.bytes * (1 + is_again(case)) + pressure_bytes(case)
        return Job(
            operation=OPERATION,
            options=options,
            samples=(*place.samples, *(group.samples if group else ())),
            timeout_s=60 + loaded_bytes / 1e6,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        place = self._place(case)
        group = self._pressure.group_of(case, self._file)
        if outcome.crash:
            return (
                group and crashed_under_pressure(outcome.crash, group, self._oom_kills.new(group))
            ) or _crashed(outcome.crash, self._file.room)
        huge_pages = self._huge_pages(int(case.parameters["buffers"]))
        if found := failure(outcome, {**case.parameters, HUGE_PAGES: huge_pages}, RULES):
            return found
        evidence = evidence_of(outcome)
        evidence |= _stored_evidence(place.file, evidence)
        if group:
            evidence["pressure_limit_bytes"] = group.limit_bytes
        why_invalid = (
            pressure_gone(evidence, "--set pressure to less")
            or not_as_asked(case, evidence, place.facts)
            or not_all_in_memory(case, evidence, place.facts, self._file.room)
            or not_direct(case, evidence)
            or (is_read_cold(case) and not_from_device(place.file, place.facts, evidence))
            or None
        )
        notes = self._notes(case, evidence, outcome)
        return measured(_figures(outcome), evidence, why_invalid, notes)

    def _place(self, case: Case) -> Place:
        return self._places[image_of(case)]

    def _huge_pages(self, buffers: int) -> int:
        """What the pool must hold, so that a load finds enough that are not in use."""
        facts = self._places[NO_IMAGE].facts
        huge_bytes = int(facts.get("memory.huge_page_bytes") or (2 << 20))
        used = int(facts.get("memory.hugetlb_pages") or 0) - int(
            facts.get("memory.hugetlb_free_pages") or 0
        )
        return used + -(-self._file.bytes // huge_bytes) + buffers

    def _without_device(self, case: Case) -> Finding | None:
        place = self._place(case)
        kind = fs_type(place.facts)
        if case.parameters["cache"] != "cold" or kind not in MEMORY_FILE_SYSTEMS:
            return None
        disk = (
            "name a directory on a disk with --dir"
            if self._file.is_made
            else ("put the file on a disk")
        )
        return skipped(
            f"{printable(place.file.path)} lies on {kind}, which is memory: never cold",
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

    def _notes(
        self, case: Case, evidence: Mapping[str, float], outcome: Outcome
    ) -> tuple[str, ...]:
        place = self._place(case)
        found = list(content_notes(place.file))
        found += self._pressure.notes(case, evidence)
        if is_read_cold(case):
            found += cold_notes(place.file, place.facts, evidence, outcome)
        kind = case.parameters["destination"]
        if kind == REUSED:
            found.append("nothing is loaded: what the device can do")
        if str(kind).endswith("thp") and evidence["huge_bytes"] < self._file.bytes:
            found.append(f"huge pages: {max(0.0, evidence['huge_bytes']) / self._file.bytes:.0%}")
        return (*found, *kept_notes(case, evidence))


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


def _stored_evidence(file: ModelFile, counted: Mapping[str, float]) -> dict[str, float]:
    """Of a file in an image: what it takes of its device, and what was read there, by its size."""
    if file.stored_bytes is None:
        return {}
    evidence = {"stored_ratio": file.stored_bytes / file.bytes}
    if READ_BYTES in counted:
        evidence["amplification"] = counted[READ_BYTES] / file.bytes
    return evidence


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
