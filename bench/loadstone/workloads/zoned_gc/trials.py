"""Trials of zoned-gc: builds Jobs, evaluates Outcomes."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import msgspec

from loadstone.core.evidence import F2FS_COUNTERS
from loadstone.core.explain import skipped_by
from loadstone.core.histogram import percentile
from loadstone.environment.memory_cgroup import memory_room
from loadstone.errors import CannotMeasureError
from loadstone.model import Case, Finding, Histogram, Input, Job, Outcome, Value
from loadstone.provision.journal import Journal
from loadstone.provision.scratch_file import free_bytes
from loadstone.targets import Target
from loadstone.units import format_bytes
from loadstone.workloads.outcomes import evidence_of, failure, measured
from loadstone.workloads.parameters import core_options
from loadstone.workloads.zoned_gc.device import ZONEFS, Mounted, SetUp, mounted
from loadstone.workloads.zoned_gc.errors import RULES
from loadstone.workloads.zoned_gc.knobs import KNOB_FILES

OPERATION = "steady-write"
SET_UP_PARAMETERS = frozenset(
    {"fs", "device", "zone", "conventional", "overprovision", "fill", *KNOB_FILES}
)
"""Those of the device and the file system, of which the core knows nothing."""

_NAME = "loadstone-write"
_LEAST_LIMIT_S = 600.0
_SLOWEST_BYTES_PER_S = 1e5
_WINDOW = re.compile(r"window_(\d\d)_(\w+)")
_DEVICE_BYTES = "block.write_bytes"
_Windows = Mapping[str, tuple[float, ...]]
# Of the timed half: its first part against its second.
_MOST_CHANGE = 0.1


class PreparedZonedGc:
    """zoned-gc, ready to make what each Trial takes; see ``loadstone.workloads.Prepared``.

    Args:
        directory: where file systems are mounted.
        why_not: for each Case whose device or file system cannot be made, by its id, why.
        stack: holds the file system of the Trial that is carried out.
    """

    def __init__(
        self,
        target: Target,
        input: Input,
        journal: Journal,
        directory: PurePath,
        why_not: Mapping[str, Finding],
        stack: contextlib.ExitStack,
    ) -> None:
        self.path = str(directory)
        self.input = input
        self.facts: Mapping[str, Value] = {"device.kind": "null_blk"}
        self._target = target
        self._journal = journal
        self._directory = directory
        self._why_not = why_not
        self._stack = stack
        self._state: Mapping[str, float] = {}

    def skip_reason(self, case: Case) -> Finding | None:
        return self._why_not.get(case.id)

    def job(self, case: Case) -> Job:
        """The Job, on a device and a file system that were made for it."""
        # A Trial that crashed has left it.
        self._stack.close()
        set_up = SetUp.of(case.parameters)
        made = self._stack.enter_context(
            mounted(self._target, self._journal, self._directory, set_up)
        )
        bytes = file_bytes(self._target, made, case.parameters)
        self._state = {**made.state, "file_bytes": bytes}
        is_zonefs = set_up.fs == ZONEFS
        options = core_options(case.parameters, SET_UP_PARAMETERS) | {
            "file": str(made.path if is_zonefs else made.path / _NAME),
            "layout": "zones" if is_zonefs else "file",
            "bytes": str(bytes),
            "device-stat": f"/sys/dev/block/{made.device.number}/stat",
            "free-segments": str(made.counters / "free_segments") if made.counters else "",
        }
        counters = [str(made.counters / name) for name in F2FS_COUNTERS] if made.counters else []
        return Job(
            operation=OPERATION,
            options=options,
            samples=(
                *self._target.samples(None),
                *made.device.samples(self._target),
                *counters,
            ),
            timeout_s=_limit_s(case.parameters),
        )

    def evaluate(self, case: Case, outcome: Outcome) -> Finding:
        self._stack.close()
        if found := failure(outcome, case.parameters, RULES):
            return found
        evidence, windows = _without_windows(evidence_of(outcome))
        evidence |= self._state
        if _DEVICE_BYTES not in evidence:
            why = "what the device wrote is not known: it counts nothing", "see queue/iostats"
            return measured({}, evidence, why)
        series = _series(windows)
        figures = {
            "write_amplification": _timed_amplification(windows),
            **_latencies(outcome.histograms[0]),
        }
        found = measured(figures, evidence, None, _notes(series["write_amplification"]))
        return msgspec.structs.replace(found, series=series)


def file_bytes(target: Target, made: Mounted, parameters: Mapping[str, Value]) -> int:
    """The size of what is written over: of so much that is free, in whole writes.

    Raises:
        CannotMeasureError: there is not room for one.
    """
    write_bytes = int(parameters["write"])
    has_bytes = free_bytes(target, made.path)
    writes = has_bytes * int(parameters["fill"]) // 100 // write_bytes
    if not writes:
        raise CannotMeasureError(
            f"the file system has {format_bytes(has_bytes)} free, of which one write takes "
            f"{format_bytes(write_bytes)}",
            remedy="--set write to less, or device to more",
        )
    return writes * write_bytes


def why_not(
    target: Target, journal: Journal, directory: PurePath, cases: Sequence[Case]
) -> dict[str, Finding]:
    """Why what a Case asks for cannot be made here, by the Case's id; found by making it."""
    found: dict[str, Finding] = {}
    by_set_up: dict[SetUp, list[Case]] = {}
    for case in cases:
        by_set_up.setdefault(SetUp.of(case.parameters), []).append(case)
    for set_up, same in by_set_up.items():
        try:
            _require_memory(target, set_up)
            with mounted(target, journal, directory, set_up) as made:
                found |= _without_room(target, made, same)
        except CannotMeasureError as error:
            found |= dict.fromkeys((case.id for case in same), skipped_by(error))
    return found


def _without_room(target: Target, made: Mounted, cases: Sequence[Case]) -> dict[str, Finding]:
    found = {}
    for case in cases:
        try:
            file_bytes(target, made, case.parameters)
        except CannotMeasureError as error:
            found[case.id] = skipped_by(error)
    return found


def _require_memory(target: Target, set_up: SetUp) -> None:
    room = memory_room(target.environment(None).facts)
    if set_up.device_bytes > room.limit_bytes:
        raise CannotMeasureError(
            f"a device in memory of {format_bytes(set_up.device_bytes)} is more than {room.words}",
            remedy=f"{room.more}, or --set device to less",
        )


def _limit_s(parameters: Mapping[str, Value]) -> float:
    total, write = int(parameters["total"]), int(parameters["write"])
    pauses = total // write // int(parameters["burst"])
    paused_s = pauses * int(parameters["pause"]) / 1000
    return _LEAST_LIMIT_S + paused_s + total / _SLOWEST_BYTES_PER_S


def _without_windows(
    evidence: Mapping[str, float],
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """The evidence, and apart from it what there is of each window, in their order."""
    plain: dict[str, float] = {}
    windows: dict[str, dict[int, float]] = {}
    for name, value in evidence.items():
        if found := _WINDOW.fullmatch(name):
            windows.setdefault(found[2], {})[int(found[1])] = value
        else:
            plain[name] = value
    return plain, {
        name: tuple(one[number] for number in sorted(one)) for name, one in windows.items()
    }


def _series(windows: _Windows) -> dict[str, tuple[float, ...]]:
    written = zip(windows["device_bytes"], windows["bytes"], strict=True)
    amplification = tuple(device / bytes for device, bytes in written)
    others = {name: one for name, one in windows.items() if name not in ("device_bytes", "bytes")}
    return {"write_amplification": amplification, **others}


def _timed_amplification(windows: _Windows) -> float:
    """Of the second half: each half ends with a syncfs, so that it pays for what it left to be
    written, and what the counters around it have besides is of no write of it."""
    device_bytes, bytes = windows["device_bytes"], windows["bytes"]
    half = len(bytes) // 2
    return sum(device_bytes[half:]) / sum(bytes[half:])


def _latencies(writes: Histogram) -> dict[str, float]:
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1.0}
    found = {name: percentile(writes, share) for name, share in shares.items()}
    return {f"write_{name}_ns": float(value) for name, value in found.items() if value is not None}


def _notes(amplification: tuple[float, ...]) -> tuple[str, ...]:
    """Whether the timed half, the second one, was steady."""
    quarter = len(amplification) // 4
    first, second = (
        sum(part) / quarter
        for part in (amplification[-2 * quarter : -quarter], amplification[-quarter:])
    )
    if abs(second / first - 1) <= _MOST_CHANGE:
        return ()
    return (
        f"write amplification went from {first:.2f} to {second:.2f} within what was timed: not "
        "steady yet; --set total to more",
    )
