"""Trials of erofs-read: builds Jobs, evaluates Outcomes."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import PurePath

from loadstone.core.evidence import busy_ns, device_files
from loadstone.core.explain import skipped
from loadstone.core.histogram import percentile
from loadstone.model import Case, Finding, Input, Job, Outcome, Status, Value
from loadstone.provision.file_system import mount_point, mounted_file_system
from loadstone.provision.journal import Journal
from loadstone.result_names import ELAPSED_NS
from loadstone.targets import Target
from loadstone.units import format_bytes
from loadstone.workloads.erofs_read.errors import RULES, TRUST_NOT
from loadstone.workloads.erofs_read.images import Image, MountSpec
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

OPERATION = "file-read"
SET_UP_PARAMETERS = frozenset(
    {"algorithm", "level", "pcluster", "options", "cache_strategy", "read_ahead"}
)
"""Those of the image, its mount and its device, of which the core knows nothing."""

# How a process ends that touches a page of a mapping which cannot be read.
_NO_PAGE = "killed by SIGBUS"
_READ_BYTES = "block.read_bytes"
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e5
_PERCENTILES = (("read_ns", 0.5), ("read_p99_ns", 0.99), ("read_p999_ns", 0.999))


class PreparedErofs:
    """erofs-read with its images; see ``loadstone.workloads.Prepared``.

    Args:
        directory: where images are mounted.
        images: what each Case mounts, or why that cannot be.
        checksums: of the file that is read; empty where there are none.
        mounted: holds the mount of the Trial that is carried out. It is made for each, so that
            nothing of the image is in memory but what drop_caches takes.
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

    def skip_reason(self, case: Case) -> Finding | None:
        image = self._images[MountSpec.of(case.parameters)]
        if isinstance(image, Finding):
            return image
        block, total = (int(case.parameters[name]) for name in ("block", "total"))
        if total > image.file_bytes:
            most = image.file_bytes // block * block
            return skipped(
                f"{format_bytes(total)} are more than the file has, which is read: "
                f"{image.file_bytes} bytes",
                f"--set total={format_bytes(most)} or less, or a larger file or --size"
                if most
                else "--set block to less, or name a larger file",
            )
        return None

    def job(self, case: Case) -> Job:
        """The Job, once the image is freshly mounted as the Case says."""
        image, spec = self._image(case), MountSpec.of(case.parameters)
        # A Trial that crashed has left it.
        self._mounted.close()
        self._target.write_text(image.read_ahead_kb, str(int(case.parameters["read_ahead"]) >> 10))
        point = mount_point(self._directory)
        self._mounted.enter_context(
            mounted_file_system(image.device, "erofs", spec.options, point, self._journal)
        )
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        options |= {"file": str(point / image.file), "checksums": self._checksums}
        return Job(
            operation=OPERATION,
            options=options,
            samples=(
                *self._target.samples(None),
                *device_files(f"/sys/dev/block/{image.number}"),
            ),
            timeout_s=_LEAST_LIMIT_S + int(case.parameters["total"]) / _SLOWEST_BYTES_PER_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        self._mounted.close()
        if outcome.crash == _NO_PAGE:
            return _page_lost(outcome.crash)
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome)
        evidence |= _derived(evidence, outcome)
        why_invalid = _not_cold(evidence)
        figures = _figures(outcome, evidence)
        return measured(figures, evidence, why_invalid, self._notes(case, evidence))

    def _image(self, case: Case) -> Image:
        image = self._images[MountSpec.of(case.parameters)]
        assert isinstance(image, Image), "a Case without a reason to skip it has an image"
        return image

    def _notes(self, case: Case, evidence: Mapping[str, float]) -> tuple[str, ...]:
        notes = []
        if not self._checksums:
            notes.append("the data were not verified: nothing is known of what the image holds")
        if not self._image(case).is_direct:
            notes.append(
                "the loop device reads its image through the page cache, as the file system of "
                "--dir has no direct I/O"
            )
        if _READ_BYTES not in evidence:
            notes.append("what was read of the device is not known: it counts nothing")
        return tuple(notes)


def _derived(evidence: Mapping[str, float], outcome: Outcome) -> dict[str, float]:
    """What follows from counters: CPU time, and memory that is held afterwards."""
    found: dict[str, float] = {}
    # A file that is all fragments has its data in another inode, and no block of its own.
    if evidence["allocated_bytes"]:
        found["stored_ratio"] = evidence["allocated_bytes"] / evidence["file_bytes"]
    cpu_ns = busy_ns(outcome.before, outcome.after)
    if cpu_ns is not None:
        found["cpu_busy_ns"] = cpu_ns
        found["cpu_s_per_gb"] = cpu_ns / evidence["bytes"]
    pages = [_cached_pages(texts) for texts in (outcome.before, outcome.after)]
    if None not in pages:
        before, after = (count or 0 for count in pages)
        found["held_bytes"] = (after - before) * evidence["page_bytes"]
    return found


def _cached_pages(texts: Mapping[str, str]) -> int | None:
    """All pages of the machine's page cache, where EROFS keeps compressed ones, too."""
    found = re.search(r"^nr_file_pages (\d+)$", texts.get("/proc/vmstat", ""), re.MULTILINE)
    return int(found[1]) if found else None


def _not_cold(evidence: Mapping[str, float]) -> tuple[str, str] | None:
    if evidence["cached_before_bytes"] < 0:
        return (
            "not known to be cold: the kernel does not tell what is cached of the file",
            "run as root, on Linux 6.5 or later",
        )
    if evidence["cached_before_bytes"] > 0:
        return "not cold: data of the file were in the page cache", "stop what reads the image"
    if evidence.get(_READ_BYTES) == 0:
        return (
            "not cold: nothing was read of the device, so that the data were in memory",
            "name a --dir on ext4, XFS or btrfs, where the image can be read by direct I/O",
        )
    return None


def _page_lost(crash: str) -> Finding:
    return Finding(
        status=Status.FAILED,
        reason=f"a page of the file could not be read, as the image is corrupt, or the disk below "
        f"it failed: {crash}",
        remedy=f"{TRUST_NOT}; --set pattern=random tells the offset",
    )


def _figures(outcome: Outcome, evidence: Mapping[str, float]) -> dict[str, float]:
    """Amplification is what was read of the device by what was asked."""
    values = outcome.values
    figures = {"throughput": values["bytes"] / values[ELAPSED_NS]}
    if _READ_BYTES in evidence:
        figures["amplification"] = evidence[_READ_BYTES] / evidence["bytes"]
    latency = next(one for one in outcome.histograms if one.name == "read")
    for name, share in _PERCENTILES:
        if (value_ns := percentile(latency, share)) is not None:
            figures[name] = float(value_ns)
    return figures
