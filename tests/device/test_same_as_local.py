"""A Trial through adb is no other than one here: the same figures, and little around it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from device.adb_server import AdbServer
from device.adbd import Adbd
from loadstone.analysis.stats import Interval, ratio_interval
from loadstone.core.evidence import inherent_ns
from loadstone.model import Case, Input, Status, Value
from loadstone.provision.journal import Journal
from loadstone.targets import Target, connect
from loadstone.workloads import make_cases, workload

pytestmark = pytest.mark.device

PAIRS = 11
MIB = 1 << 20
# A difference that the noise of a machine with other work does not make.
SAME = 1.10
# The busiest processors are calibrated to a few thousandths.
ALIKE = 1.03
MOST_ROUND_TRIPS = 12
_TRIES = 5

LOADS: tuple[Mapping[str, Value], ...] = (
    {"engine": "pread", "io": "buffered", "destination": "memfd", "cache": "warm"},
    {"engine": "uring", "destination": "thp"},
    {"engine": "mmap-copy", "cache": "warm"},
)
WRITES: tuple[Mapping[str, Value], ...] = (
    {"size": 4096, "total": 32 * MIB},
    {"size": MIB, "total": 32 * MIB},
)
WORK: tuple[Mapping[str, Value], ...] = ({"effect": "syscall"}, {"effect": "minor-fault"})


@pytest.fixture
def sides(
    root_adbd: Adbd,
    adb_server: AdbServer,
    built_agents: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[tuple[Target, str], tuple[Target, str]]]:
    """This machine and the phone, each with its name for the directory that both have."""
    del built_agents
    for name, value in adb_server.environment.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        local = stack.enter_context(connect("local", place / "local"))
        phone = stack.enter_context(connect(f"adb:{root_adbd.serial}", place / "far"))
        yield (local, str(root_adbd.place)), (phone, str(phone.scratch()))


class Side:
    """A workload made ready on a Target: Trials, and what each took beside what it timed."""

    def __init__(
        self, stack: ExitStack, target: Target, directory: str, cases: tuple[Case, ...], place: Path
    ) -> None:
        chosen = workload(cases[0].workload)
        size_bytes = 64 * MIB if chosen.name == "model-load" else None
        input = Input(directory=directory, size_bytes=size_bytes)
        journal = stack.enter_context(Journal(place, target.name, target.execute))
        self._target = target
        self._prepared = stack.enter_context(
            chosen.prepare(target, input, cases, journal, lambda _: None)
        )
        self._metric = chosen.metrics[0].name
        self.overheads_ns: list[int] = []

    def measure(self, case: Case) -> float:
        for _ in range(_TRIES):
            start_ns = time.monotonic_ns()
            outcome = self._target.execute(self._prepared.job(case))
            finding = self._prepared.evaluate(case, outcome)
            took_ns = time.monotonic_ns() - start_ns
            # As in a Run, an invalid Trial is none: kernels take pages of a warm file meanwhile.
            if finding.status is not Status.INVALID:
                break
        assert finding.status is Status.OK, finding
        self.overheads_ns.append(took_ns - inherent_ns(finding.evidence, outcome.spans))
        return finding.metrics[self._metric]


def in_turn(ours: Side, theirs: Side, case: Case) -> Interval:
    """The ratio of the medians of Trials that were taken in turn, theirs over ours."""
    taken: dict[Side, list[float]] = {ours: [], theirs: []}
    for number in range(PAIRS + 1):
        for side in (ours, theirs) if number % 2 else (theirs, ours):
            value = side.measure(case)
            # The first of each is a warm-up.
            taken[side] += [value] if number else []
    return ratio_interval(taken[ours], taken[theirs], paired=True)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "choices", "limit"),
    [("model-load", LOADS, SAME), ("folio-write", WRITES, SAME), ("calibration", WORK, ALIKE)],
    ids=["model-load", "folio-write", "calibration"],
)
def test_the_figures_are_no_others_than_here(
    sides: tuple[tuple[Target, str], tuple[Target, str]],
    place: Path,
    name: str,
    choices: tuple[Mapping[str, Value], ...],
    limit: float,
) -> None:
    cases, _ = make_cases(workload(name), choices)
    with ExitStack() as stack:
        here, there = (Side(stack, *side, cases, place) for side in sides)
        for case in cases:
            ratio = in_turn(here, there, case)
            # Both hold where the interval meets the limits; it is as wide as the noise.
            assert ratio.low < limit, (case.label, ratio)
            assert ratio.high > 1 / limit, (case.label, ratio)


def test_a_trial_costs_little_beside_what_it_times(
    sides: tuple[tuple[Target, str], tuple[Target, str]], root_adbd: Adbd, place: Path
) -> None:
    """Held against the round trip of adb's own shell, in the same seconds."""
    cases, _ = make_cases(workload("model-load"), [{"engine": "pread"}])
    with ExitStack() as stack:
        there = Side(stack, *sides[1], cases, place)
        round_trips_ns = []
        for _ in range(PAIRS):
            there.measure(cases[0])
            start_ns = time.monotonic_ns()
            assert root_adbd.shell("true").code == 0
            round_trips_ns.append(time.monotonic_ns() - start_ns)
    assert median(there.overheads_ns) < MOST_ROUND_TRIPS * median(round_trips_ns)
