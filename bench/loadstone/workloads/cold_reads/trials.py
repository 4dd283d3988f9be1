"""Trials that read a file cold (operation file-read): figures, errors, whether it was cold."""

from collections.abc import Mapping

from loadstone.core.evidence import busy_ns
from loadstone.core.explain import skipped
from loadstone.core.histogram import percentile
from loadstone.model import Case, Finding, Outcome, Status
from loadstone.result_names import ELAPSED_NS
from loadstone.units import format_bytes

OPERATION = "file-read"

READ_BYTES = "block.read_bytes"
"""Of the file system's own device, which nothing else reads."""

# How a process ends that touches a page of a mapping which cannot be read.
_NO_PAGE = "killed by SIGBUS"
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e5
_PERCENTILES = (("read_ns", 0.5), ("read_p99_ns", 0.99), ("read_p999_ns", 0.999))


def read_limit_s(total_bytes: int) -> float:
    """How long a Trial that reads as much may take."""
    return _LEAST_LIMIT_S + total_bytes / _SLOWEST_BYTES_PER_S


def read_figures(outcome: Outcome, evidence: Mapping[str, float]) -> dict[str, float]:
    """Throughput, latencies, and amplification: what was read of the device by what was asked."""
    values = outcome.values
    figures = {"throughput": values["bytes"] / values[ELAPSED_NS]}
    if READ_BYTES in evidence:
        figures["amplification"] = evidence[READ_BYTES] / evidence["bytes"]
    latency = next(one for one in outcome.histograms if one.name == "read")
    for name, share in _PERCENTILES:
        if (value_ns := percentile(latency, share)) is not None:
            figures[name] = float(value_ns)
    return figures


def cpu_evidence(outcome: Outcome, size_bytes: float) -> dict[str, float]:
    """CPU time of all that ran, the kernel's own threads included, where it is known."""
    cpu_ns = busy_ns(outcome.before, outcome.after)
    if cpu_ns is None:
        return {}
    return {"cpu_busy_ns": cpu_ns, "cpu_s_per_gb": cpu_ns / size_bytes}


def too_much(
    case: Case, file_bytes: int, what: str = "the file has, which is read"
) -> Finding | None:
    """The skip of a Case that would read more than the file has, else None."""
    block, total = (int(case.parameters[name]) for name in ("block", "total"))
    if total <= file_bytes:
        return None
    most = file_bytes // block * block
    return skipped(
        f"{format_bytes(total)} are more than {what}: {file_bytes} bytes",
        f"--set total={format_bytes(most)} or less, or a larger file or --size"
        if most
        else "--set block to less, or name a larger file",
    )


def device_notes(evidence: Mapping[str, float], *, is_direct: bool) -> list[str]:
    """What a reader has to know of the device below.

    Args:
        is_direct: it is no loop device, or one that goes around the page cache.
    """
    notes = []
    if not is_direct:
        notes.append(
            "the loop device reads its image through the page cache, as the file system of --dir "
            "has no direct I/O"
        )
    if READ_BYTES not in evidence:
        notes.append("what was read of the device is not known: it counts nothing")
    return notes


def why_not_cold(evidence: Mapping[str, float]) -> tuple[str, str] | None:
    """Reason and remedy, where a Trial found data in memory or that is not known."""
    if evidence["cached_before_bytes"] < 0:
        return (
            "not known to be cold: the kernel does not tell what is cached of the file",
            "run as root, on Linux 6.5 or later",
        )
    if evidence["cached_before_bytes"] > 0:
        return "not cold: data of the file were in the page cache", "stop what reads the image"
    if evidence.get(READ_BYTES) == 0:
        return (
            "not cold: nothing was read of the device, so that the data were in memory",
            "name a --dir on ext4, XFS or btrfs, where the image can be read by direct I/O",
        )
    return None


def page_lost(crash: str | None, remedy: str) -> Finding | None:
    """The failure of a Trial that died of a page of its mapping which could not be read."""
    if crash != _NO_PAGE:
        return None
    return Finding(
        status=Status.FAILED,
        reason=f"a page of the file could not be read, as the image is corrupt, or the disk below "
        f"it failed: {crash}",
        remedy=f"{remedy}; --set pattern=random tells the offset",
    )
