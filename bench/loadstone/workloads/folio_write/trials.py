"""Trials of folio-write: builds Jobs, evaluates Outcomes."""

import re
from collections.abc import Mapping

from loadstone.core.explain import skipped
from loadstone.environment.memory_cgroup import memory_room
from loadstone.model import Case, Finding, Input, Job, Outcome, Value
from loadstone.targets import Target
from loadstone.units import format_bytes, format_bytes_rounded
from loadstone.workloads.folio_write.errors import RULES
from loadstone.workloads.folio_write.place import FsInstance, FsSpec
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options

# Above this share of what a Case writes, others' dirty data competes with it for the device.
_MOST_FOREIGN_SHARE = 1 / 8
# The two ways of counting folios may differ by chance, but not by more than this.
_MOST_DISAGREEMENT = 2.0
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e6

OPERATION = "folio-write"
SET_UP_PARAMETERS = frozenset({"fs", "mkfs", "mount"})
"""Those of the file system, of which the core knows nothing."""

_TRACED = "traced_folio_mean_bytes"


class PreparedWrite:
    """folio-write with the places for its file; see ``loadstone.workloads.Prepared``.

    ``places`` has for each FsSpec of a Case where each Trial makes the file and removes it
    again, or why there is no such place.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        directory: str,
        places: Mapping[FsSpec, FsInstance | Finding],
    ) -> None:
        made = {
            fs_spec: place for fs_spec, place in places.items() if isinstance(place, FsInstance)
        }
        only = next(iter(made.values())) if len(made) == 1 else None
        self.path = only.directory if only else directory
        self.input = input
        self.facts: Mapping[str, Value] = only.facts if only else _facts_by_type(made)
        self._target = target
        self._places = places
        facts = target.environment(None).facts
        self._page_bytes = int(facts.get("machine.page_bytes") or 4096)
        self._room = memory_room(facts)

    def skip_reason(self, case: Case) -> Finding | None:
        size, total = int(case.parameters["size"]), int(case.parameters["total"])
        threads = int(case.parameters["threads"])
        if size > total:
            return skipped(
                f"one write of {format_bytes(size)} is more than {format_bytes(total)} in total",
                f"--set total={format_bytes(size)} or more",
            )
        if threads > total // size:
            return skipped(
                f"{total // size} writes are too few for {threads} threads",
                f"--set total={format_bytes(threads * size)} or more, or a smaller size",
            )
        place = self._places[FsSpec.of(case.parameters)]
        return place if isinstance(place, Finding) else None

    def job(self, case: Case) -> Job:
        place = self._places[FsSpec.of(case.parameters)]
        assert isinstance(place, FsInstance), "a Case without a reason to skip it has a place"
        # A Trial that was killed has left its file.
        self._target.remove_file(place.file)
        options = core_options(case.parameters, SET_UP_PARAMETERS)
        kind, _, every = options["sync"].partition(":")
        options |= {"file": place.file, "sync": kind, "every": every or "1"}
        return Job(
            operation=OPERATION,
            options=options,
            samples=place.samples,
            timeout_s=_LEAST_LIMIT_S + int(case.parameters["total"]) / _SLOWEST_BYTES_PER_S,
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence = evidence_of(outcome) | self._dirty_before(outcome)
        reason = _not_cold(case, evidence)
        why_invalid = (reason, "stop what reads the file or its directory") if reason else None
        return measured(
            _figures(outcome),
            evidence,
            why_invalid,
            (*_notes(evidence), *self._reclaim_notes(case)),
        )

    def _reclaim_notes(self, case: Case) -> tuple[str, ...]:
        """Pages are charged to the control group: in a narrow one they are written back early."""
        total, io = int(case.parameters["total"]), case.parameters["io"]
        stays = io not in ("direct", "dontcache")
        if not stays or not self._room.is_of_cgroup or total < self._room.limit_bytes:
            return ()
        return (f"{format_bytes(total)} do not stay cached in {self._room.words}",)

    def _dirty_before(self, outcome: Outcome) -> dict[str, float]:
        """What waited to be written back when the timed region began, the whole machine's."""
        text = outcome.before.get("/proc/vmstat", "")
        pages = re.findall(r"^nr_(?:dirty|writeback) (\d+)$", text, re.MULTILINE)
        return (
            {"dirty_before_bytes": float(sum(map(int, pages)) * self._page_bytes)} if pages else {}
        )


def _facts_by_type(places: Mapping[FsSpec, FsInstance]) -> dict[str, Value]:
    """``fs.mkfs`` becomes ``fs.ext4.mkfs``; where two differ in options only, both are there."""
    texts: dict[str, list[str]] = {}
    for fs_spec, place in places.items():
        for name, value in place.facts.items():
            texts.setdefault(name.replace("fs.", f"fs.{fs_spec.type}.", 1), []).append(str(value))
    return {name: " | ".join(dict.fromkeys(values)) for name, values in texts.items()}


def _figures(outcome: Outcome) -> dict[str, float]:
    values = outcome.values
    figures = {
        "throughput": values["bytes"] / values["write_ns"] * 1e9,
        "write_ns": float(values["write_ns"]),
        "cpu_per_gb": values["cpu_ns"] / values["bytes"],
    }
    if "durable_ns" in values:
        figures["durable_ns"] = float(values["durable_ns"])
    return figures


def _not_cold(case: Case, evidence: Mapping[str, float]) -> str | None:
    """Pages that were there before would be written to, whatever the size of their folios."""
    found = evidence["cached_before_bytes"]
    if case.parameters["pattern"] == "fresh" or found == 0:
        return None
    if found < 0:
        return "not known to be cold: the kernel does not tell what is cached of the file"
    return f"not cold: {format_bytes_rounded(found)} of the file stayed in the page cache"


def _notes(evidence: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    if evidence.get("folio_mean_bytes", 0.0) < 0:
        notes.append(
            "folio orders unknown: root may see them (/proc/kpageflags), if nobody drops caches "
            "meanwhile"
        )
    notes += _disagreement(evidence)
    foreign = evidence.get("dirty_before_bytes", 0.0)
    if foreign > _MOST_FOREIGN_SHARE * evidence["bytes"]:
        notes.append(f"{format_bytes_rounded(foreign)} of others' data waited to be written back")
    return tuple(notes)


def _disagreement(evidence: Mapping[str, float]) -> list[str]:
    found, traced = (evidence.get(name, 0) for name in ("folio_mean_bytes", _TRACED))
    if found <= 0 or traced <= 0 or 1 / _MOST_DISAGREEMENT <= found / traced <= _MOST_DISAGREEMENT:
        return []
    return [
        f"the mean folio is {format_bytes_rounded(found)} by kpageflags, and "
        f"{format_bytes_rounded(traced)} by the tracepoint when written again"
    ]
