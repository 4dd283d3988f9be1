"""One look at one process: the Job, and what its Outcome means."""

from collections.abc import Sequence

from loadstone.core.explain import explain
from loadstone.errors import TargetError, TargetLostError
from loadstone.model import Job, Noun, Outcome
from loadstone.pages.counts import KindCount, ZramCount, parse_kinds, parse_zram
from loadstone.pages.errors import RULES, ptrace_remedy
from loadstone.pages.processes import Process
from loadstone.provision.zram_device import ZramDevice
from loadstone.targets import Target

DEFAULT_MOST_PAGES = 32768
DEFAULT_MOST_S = 2.0

_TEXT = "kinds"
_OVERHEAD_S = 600.0
_WHOLE_S = 24 * 3600.0


class Algorithm(Noun, frozen=True, kw_only=True):
    """How pages are compressed: ``lz4`` or ``zstd``; level 0 is the one that zram takes."""

    name: str
    level: int = 0

    @property
    def label(self) -> str:
        """With its level, where one was chosen."""
        return f"{self.name}:{self.level}" if self.level else self.name


class Bounds(Noun, frozen=True, kw_only=True):
    """How much of a process is looked at; without ``most_pages`` all, however long it takes."""

    most_pages: int | None = DEFAULT_MOST_PAGES
    most_s: float = DEFAULT_MOST_S
    seed: int = 1


class ProcessPages(Noun, frozen=True, kw_only=True):
    """What was seen of one process.

    ``anonymous_bytes``, ``swapped_bytes`` and ``hugetlb_bytes`` are the kernel's own sums over its
    areas; shared memory is in none of them. ``areas_left_out`` and ``shared_left_out`` were not
    looked at: the time was up, or there are too many. Without ``knows_zero_page`` the zero page,
    which takes no memory, is among the present pages.
    """

    process: Process
    algorithm: Algorithm
    page_bytes: int
    kinds: tuple[KindCount, ...]
    anonymous_bytes: int
    swapped_bytes: int
    hugetlb_bytes: int
    areas_left_out: int
    shared_left_out: int
    uses_pagemap_scan: bool
    knows_zero_page: bool
    elapsed_ns: int
    read_ns: int
    shared_objects: tuple[str, ...] = ()
    zram: ZramCount | None = None


class NotSeen(Noun, frozen=True, kw_only=True):
    """A process that could not be looked at, and why."""

    process: Process
    reason: str
    remedy: str | None


def look_at(
    target: Target,
    process: Process,
    algorithm: Algorithm,
    bounds: Bounds,
    thresholds: Sequence[int],
    known: Sequence[str] = (),
    zram: ZramDevice | None = None,
) -> ProcessPages | NotSeen:
    """Look at one process, which is only read.

    Args:
        thresholds: compressed sizes in bytes to count from.
        known: shared objects, as ``ProcessPages`` has them, that are to be left out.

    Raises:
        TargetError: the core's process died of it, or the Target is gone.
    """
    job = _job(process, algorithm, bounds, thresholds, known, zram)
    outcome = target.execute(job)
    if outcome.target_lost:
        raise TargetLostError(str(outcome.crash), remedy=target.lost_remedy)
    if outcome.crash:
        raise TargetError(
            f"looking at process {process.pid} on {target.name}: {outcome.crash}",
            remedy="see dmesg there",
        )
    if outcome.error:
        finding = explain(outcome.error, {"pid": process.pid}, RULES)
        remedy = ptrace_remedy(outcome.error, target) or finding.remedy
        return NotSeen(process=process, reason=finding.reason or "", remedy=remedy)
    return _seen(process, algorithm, outcome, len(thresholds))


def _job(
    process: Process,
    algorithm: Algorithm,
    bounds: Bounds,
    thresholds: Sequence[int],
    known: Sequence[str],
    zram: ZramDevice | None,
) -> Job:
    is_whole = bounds.most_pages is None
    options = {
        "pid": str(process.pid),
        "start-ticks": str(process.start_ticks),
        "algorithm": algorithm.name,
        "level": str(algorithm.level),
        "most-pages": str(bounds.most_pages or 0),
        "most-ms": "0" if is_whole else str(max(1, round(bounds.most_s * 1000))),
        "seed": str(bounds.seed),
        "thresholds": ",".join(map(str, thresholds)),
        "known": ",".join(known),
    }
    if zram is not None:
        options["device"] = zram.path
    limit_s = _WHOLE_S if is_whole else bounds.most_s + _OVERHEAD_S
    return Job(operation="process-pages", options=options, samples=(_TEXT,), timeout_s=limit_s)


def _seen(
    process: Process, algorithm: Algorithm, outcome: Outcome, thresholds: int
) -> ProcessPages:
    text, values = "".join(outcome.before.values()), outcome.values
    shared = "".join(outcome.after.values())
    return ProcessPages(
        process=process,
        algorithm=algorithm,
        page_bytes=values["page_bytes"],
        kinds=parse_kinds(text, thresholds),
        anonymous_bytes=values["anonymous_bytes"],
        swapped_bytes=values["swapped_bytes"],
        hugetlb_bytes=values["hugetlb_bytes"],
        areas_left_out=values["areas_left_out"],
        shared_left_out=values["shared_left_out"],
        uses_pagemap_scan=values["pagemap_scan"] == 0,
        knows_zero_page=bool(values["knows_zero_page"]),
        elapsed_ns=values["elapsed_ns"],
        read_ns=values["read_ns"],
        shared_objects=tuple(shared.split(",")) if shared else (),
        zram=parse_zram(text, values),
    )
