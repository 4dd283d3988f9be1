"""Trials of page-classes: builds Jobs, evaluates Outcomes."""

import contextlib
from collections.abc import Mapping

from loadstone.core.explain import skipped
from loadstone.core.histogram import percentile
from loadstone.environment.memory_cgroup import memory_room
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.provision.journal import Journal
from loadstone.provision.zram_device import SWAP_PRIORITY, zram_swap
from loadstone.targets import Target
from loadstone.units import format_bytes, format_bytes_rounded
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.page_classes.devices import OPERATION, DeviceSpec, PageDevice
from loadstone.workloads.page_classes.errors import RULES
from loadstone.workloads.parameters import core_options

SET_UP_PARAMETERS = frozenset({"algorithm", "level", "other_swap"})
"""Those of the device, of which the core knows nothing."""

SWAP = "swap"

_SWAPS = "/proc/swaps"
_ZSWAP = "/sys/module/zswap/parameters/enabled"
# Filled before any other area, so that the pages come to this one.
_PRIORITY_BESIDE = 32767
_KINDS = ("same", "zsp", "zmp", "zhp", "unstored")
# What the talk takes first: pages that shrink to less than half.
_SMALL = ("same", "zsp", "unstored")
# The pages as they are, as they come back, and as the device holds them.
_COPIES = 3
# Some always stay in memory; of more a note tells.
_MOST_ESCAPED_SHARE = 0.02
# Of pages whose counters others moved as well, which are left out.
_MOST_DISTURBED_SHARE = 0.02
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e5


class PreparedPages:
    """page-classes with its devices; see ``loadstone.workloads.Prepared``.

    Args:
        devices: what each Case compresses by, or why there is none.
        facts: of the files that pages are of.
        swap: holds the swap area of the Trial that is carried out.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        journal: Journal,
        devices: Mapping[DeviceSpec, PageDevice | Finding],
        facts: Mapping[str, Value],
        swap: contextlib.ExitStack,
    ) -> None:
        self.path = None
        self.input = input
        self.facts = facts
        self._target = target
        self._journal = journal
        self._devices = devices
        self._swap = swap
        self._room = memory_room(target.environment(None).facts)

    def skip_reason(self, case: Case) -> Finding | None:
        device = self._devices[DeviceSpec.of(case.parameters)]
        if isinstance(device, Finding):
            return device
        total = int(case.parameters["total"])
        if _COPIES * total >= self._room.limit_bytes:
            return skipped(
                f"{format_bytes(total)} of pages, {_COPIES} times over, do not fit into "
                f"{self._room.words}",
                f"--set total to less, or {self._room.more}",
            )
        return self._swap_refusal(case) if case.parameters["path"] == SWAP else None

    def _swap_refusal(self, case: Case) -> Finding | None:
        """Pages that go elsewhere tell nothing, and other processes are left alone by default."""
        if (self._target.read_text(_ZSWAP) or "").strip() == "Y":
            return skipped(
                "zswap compresses what is swapped out before any swap area gets it",
                f"as root: echo N > {_ZSWAP}; or --set path=block",
            )
        others = (self._target.read_text(_SWAPS) or "").splitlines()[1:]
        if others and not case.parameters["other_swap"]:
            return skipped(
                f"this machine swaps on {others[0].split()[0]}, so that pages of any process may "
                "come to a swap area of ours, and back from it",
                "--set path=block, which touches no other process; or --set other_swap=on",
            )
        return None

    def job(self, case: Case) -> Job:
        """The Job; on path swap once its device is swapped on."""
        device = self._device(case)
        # A Trial that crashed has left it on.
        self._swap.close()
        if case.parameters["path"] == SWAP:
            priority = _PRIORITY_BESIDE if case.parameters["other_swap"] else SWAP_PRIORITY
            self._swap.enter_context(
                zram_swap(self._target, self._journal, device.zram, priority=priority)
            )
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        kind, _, file = options["class"].partition(":")
        options |= {"device": device.zram.path, "class": kind, "file": file}
        return Job(
            operation=OPERATION,
            options=options,
            samples=self._target.samples(None),
            timeout_s=_LEAST_LIMIT_S + int(case.parameters["total"]) / _SLOWEST_BYTES_PER_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        self._swap.close()
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome)
        evidence["huge_class_size"] = float(self._device(case).huge_class_size)
        evidence |= _of_kinds(outcome.values)
        why_invalid = _elsewhere(case, outcome.values) or _disturbed(outcome.values)
        return measured(_figures(outcome), evidence, why_invalid, _notes(case, outcome.values))

    def _device(self, case: Case) -> PageDevice:
        device = self._devices[DeviceSpec.of(case.parameters)]
        assert isinstance(device, PageDevice), "a Case without a reason to skip it has a device"
        return device


def _figures(outcome: Outcome) -> dict[str, float]:
    values = outcome.values
    figures = {
        "saved_speed": _saved_speed(values, _KINDS),
        "stored_ratio": values["compressed_bytes"] / (values["pages"] * values["page_bytes"]),
    }
    latencies = {histogram.name: histogram for histogram in outcome.histograms}
    for name in ("compress", "decompress"):
        for suffix, share in (("", 0.5), ("_p99", 0.99), ("_p999", 0.999)):
            value_ns = percentile(latencies[name], share)
            if value_ns is not None:
                figures[f"{name}{suffix}_ns"] = float(value_ns)
    return figures


def _saved_speed(values: Mapping[str, int], kinds: tuple[str, ...], more_ns: float = 0.0) -> float:
    """(Page − compressed size) ÷ time to compress, of pages of some kinds, in MB/s.

    Source: the talk "ZHP" of the 19th China Linux Kernel conference, 2024.
    """
    pages, bytes_, time_ns = (
        sum(values[f"{kind}_{what}"] for kind in kinds) for what in ("pages", "bytes", "write_ns")
    )
    time_ns_ = time_ns + more_ns
    return (pages * values["page_bytes"] - bytes_) / time_ns_ * 1e3 if time_ns_ else 0.0


def _of_kinds(values: Mapping[str, int]) -> dict[str, float]:
    """Each kind's share of the pages; and what two orders of compressing would save at.

    ``zsp_first_mb_per_s`` takes those below half a page alone, ``zhp_skipped_mb_per_s`` all, but
    huge ones at the cost of a page that is not compressed, which only path block measures.
    """
    found = {f"{kind}_share": values[f"{kind}_pages"] / values["pages"] for kind in _KINDS}
    found["zsp_first_mb_per_s"] = _saved_speed(values, _SMALL)
    if "floor_write_ns" in values:
        others = tuple(kind for kind in _KINDS if kind != "zhp")
        found["zhp_skipped_mb_per_s"] = _saved_speed(
            values, others, values["zhp_pages"] * values["floor_write_ns"]
        )
    return found


def _elsewhere(case: Case, values: Mapping[str, int]) -> tuple[str, str] | None:
    """Zero pages, which a file may have, need no room on Linux 6.12 and later."""
    name, count = str(case.parameters["class"]), values["unstored_pages"]
    may_be_zero = name == "zero" or (":" in name and not case.parameters["other_swap"])
    if not count or may_be_zero:
        return None
    return f"{count} pages went to other swap than ours", "turn that off, or --set path=block"


def _disturbed(values: Mapping[str, int]) -> tuple[str, str] | None:
    count = values["disturbed_pages"]
    if count <= _MOST_DISTURBED_SHARE * (count + values["pages"]):
        return None
    return (
        f"the zram device took pages of others with {count} of ours, so what those became is not "
        "known",
        "end what needs memory, as it is swapped out; leave zram devices alone",
    )


def _notes(case: Case, values: Mapping[str, int]) -> tuple[str, ...]:
    notes = []
    if values["unstored_pages"]:
        notes.append(
            f"{values['unstored_pages']} pages never reached zram: the kernel keeps zero pages in "
            "the map of the swap area (Linux 6.12)"
        )
    if values["escaped_pages"] > _MOST_ESCAPED_SHARE * values["pages"]:
        notes.append(f"{values['escaped_pages']} pages were not swapped out, and are left out")
    expected = (values["pages"] + values["escaped_pages"]) * values["page_bytes"]
    if case.parameters["thp"] and values["huge_page_bytes"] < expected:
        notes.append(
            "pages were huge for "
            f"{format_bytes_rounded(max(0, values['huge_page_bytes']))} of "
            f"{format_bytes_rounded(expected)} only"
        )
    return tuple(notes)
