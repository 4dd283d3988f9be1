"""Trials of erofs-read: builds Jobs, evaluates Outcomes."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import PurePath

from loadstone.core.evidence import device_files
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.file_system import mount_point, mounted_file_system
from loadstone.provision.journal import Journal
from loadstone.targets import Target
from loadstone.workloads.cold_reads.trials import (
    OPERATION,
    cpu_evidence,
    device_notes,
    page_lost,
    read_figures,
    read_limit_s,
    too_much,
    why_not_cold,
)
from loadstone.workloads.erofs_read.errors import RULES, TRUST_NOT
from loadstone.workloads.erofs_read.images import Image, MountSpec
from loadstone.workloads.erofs_read.reserve import Reserve
from loadstone.workloads.outcomes import evidence_of, failure, measured, pressure_gone
from loadstone.workloads.parameters import core_options

SET_UP_PARAMETERS = frozenset(
    {
        *("algorithm", "level", "pcluster", "options", "cache_strategy", "read_ahead"),
        *("reserved_pages", "trace"),
    }
)
"""Those of the image, its mount, its device and the module, of which the core knows nothing."""

# By the names that it has had. Source: fs/erofs/zutil.c, and fs/erofs/utils.c before Linux 6.10.
_ALLOCATION = "__erofs_allocpage,erofs_allocpage"


class PreparedErofs:
    """erofs-read with its images; see ``loadstone.workloads.Prepared``.

    Args:
        directory: where images are mounted.
        images: what each Case mounts, or why that cannot be.
        checksums: of the file that is read; empty where there are none.
        mounted: holds the mount of the Trial that is carried out. It is made for each, so that
            nothing of the image is in memory but what drop_caches takes.
        reserve: the pages that EROFS is loaded with.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        journal: Journal,
        directory: PurePath,
        images: Mapping[MountSpec, Image | Finding],
        checksums: str,
        facts: Mapping[str, Value],
        mounted: contextlib.ExitStack,
        reserve: Reserve,
    ) -> None:
        self.path = str(directory)
        self.input = input
        self.facts = facts
        self._target = target
        self._journal = journal
        self._directory = directory
        self._images = images
        self._checksums = checksums
        self._mounted = mounted
        self._reserve = reserve

    def skip_reason(self, case: Case) -> Finding | None:
        image = self._images[MountSpec.of(case.parameters)]
        if isinstance(image, Finding):
            return image
        if refused := self._reserve.skip_reason(case):
            return refused
        return too_much(case, image.file_bytes)

    def job(self, case: Case) -> Job:
        """The Job, once the image is freshly mounted as the Case says."""
        image, spec = self._image(case), MountSpec.of(case.parameters)
        # A Trial that crashed has left it.
        self._mounted.close()
        self._reserve.set(case)
        self._target.write_text(image.read_ahead_kb, str(int(case.parameters["read_ahead"]) >> 10))
        point = mount_point(self._directory)
        self._mounted.enter_context(
            mounted_file_system(image.device, "erofs", spec.options, point, self._journal)
        )
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        options |= {"file": str(point / image.file), "checksums": self._checksums}
        if is_traced(case):
            options["trace-calls"] = _ALLOCATION
        return Job(
            operation=OPERATION,
            options=options,
            samples=(
                *self._target.samples(None),
                *device_files(f"/sys/dev/block/{image.number}"),
            ),
            timeout_s=read_limit_s(int(case.parameters["total"])),
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        self._mounted.close()
        if lost := page_lost(outcome.crash, TRUST_NOT):
            return lost
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome)
        evidence |= _derived(evidence, outcome)
        why_invalid = (
            pressure_gone(evidence, "--set available to more")
            or why_not_cold(evidence)
            or _calls_missed(evidence)
        )
        figures = read_figures(outcome, evidence)
        if is_traced(case):
            figures["allocation_ns"] = evidence["traced_calls_ns"]
        return measured(figures, evidence, why_invalid, self._notes(case, evidence))

    def _image(self, case: Case) -> Image:
        image = self._images[MountSpec.of(case.parameters)]
        assert isinstance(image, Image), "a Case without a reason to skip it has an image"
        return image

    def _notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        notes = []
        if not self._checksums:
            notes.append("the data were not verified: nothing is known of what the image holds")
        notes += device_notes(evidence, is_direct=self._image(case).is_direct)
        return tuple(notes)


def _derived(evidence: Mapping[str, float], outcome: Outcome) -> dict[str, float]:
    """What follows from counters: CPU time, and memory that is held afterwards."""
    found = cpu_evidence(outcome, evidence["bytes"])
    # A file that is all fragments has its data in another inode, and no block of its own.
    if evidence["allocated_bytes"]:
        found["stored_ratio"] = evidence["allocated_bytes"] / evidence["file_bytes"]
    pages = [_cached_pages(texts) for texts in (outcome.before, outcome.after)]
    if None not in pages:
        before, after = (count or 0 for count in pages)
        found["held_bytes"] = (after - before) * evidence["page_bytes"]
    return found


def _cached_pages(texts: Mapping[str, str]) -> int | None:
    """All pages of the machine's page cache, where EROFS keeps compressed ones, too."""
    found = re.search(r"^nr_file_pages (\d+)$", texts.get("/proc/vmstat", ""), re.MULTILINE)
    return int(found[1]) if found else None


def _calls_missed(evidence: Mapping[str, float]) -> tuple[str, str] | None:
    missed = int(evidence.get("traced_missed", 0))
    if not missed:
        return None
    return (
        f"the kernel lost {missed} ends of calls that were traced: what they took is not known",
        "--set total or block to less, or trace=off",
    )


def is_traced(case: Case) -> bool:
    """Whether it is all read once more under a trace; no Case of before there was one is."""
    return bool(case.parameters.get("trace", False))
