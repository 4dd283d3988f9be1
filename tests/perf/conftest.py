"""Speeds are ratios taken in one run: both sides in turn, so that noise hits both alike."""

import math
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from loadstone.analysis.stats import Interval, median_interval
from loadstone.core import native, worker
from loadstone.model import Job, Outcome

PAIRS = 11
# All of fewer may lie on one side of the true median by more than a chance of 5 %.
_LEAST = 6
FILE_BYTES = 512 << 20
CACHED_BYTES = 64 << 20

Side = Callable[[], float]
Figures = Callable[[], Mapping[str, float]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this directory is a perf test, and nothing may run beside one."""
    for item in items:
        if "perf" in item.path.parts:
            item.add_marker(pytest.mark.perf)
            item.add_marker(pytest.mark.alone)


class Pairs(msgspec.Struct, frozen=True):
    """Figures of two sides taken in turn."""

    ours: list[float]
    theirs: list[float]

    @property
    def interval(self) -> Interval:
        """Median of the pairs' ratios, ours over theirs, with its 95 % interval."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return median_interval([ours / theirs for ours, theirs in pairs])

    @property
    def ratio(self) -> float:
        """The median alone."""
        return self.interval.median

    def fall_short_of(self, limit: float) -> bool:
        """Whether the ratio is below a limit for certain: noise alone must not say so."""
        return self.interval.high < limit

    def reaches(self, limit: float) -> bool:
        """Whether the ratio is no less than a limit for certain."""
        return self.interval.low >= limit


def take_pairs(ours: Side, theirs: Side, count: int = PAIRS, at_least: float = math.inf) -> Pairs:
    """Take both sides count times, swapping who goes first; one pair before is thrown away.

    Fewer times where the ratio is ``at_least`` so much for certain before.
    """
    return take_figures(lambda: {"": ours()}, lambda: {"": theirs()}, count, at_least)[""]


def take_figures(
    ours: Figures, theirs: Figures, count: int = PAIRS, at_least: float = math.inf
) -> dict[str, Pairs]:
    """The same of sides that tell several figures each time: the pairs of each.

    What falls short of ``at_least`` for certain is taken once more: of many tests on a shared
    machine one does so by chance, and hardly twice.
    """
    pairs = _take(ours, theirs, count, at_least)
    if math.isfinite(at_least) and any(pair.fall_short_of(at_least) for pair in pairs.values()):
        pairs = _take(ours, theirs, count, at_least)
    return pairs


def _take(ours: Figures, theirs: Figures, count: int, at_least: float) -> dict[str, Pairs]:
    taken: dict[Figures, list[Mapping[str, float]]] = {ours: [], theirs: []}
    names = ours().keys()
    theirs()
    for number in range(count):
        for side in (ours, theirs) if number % 2 else (theirs, ours):
            taken[side].append(side())
        pairs = {name: _pairs_of(name, taken[ours], taken[theirs]) for name in names}
        if number + 1 >= _LEAST and all(pair.reaches(at_least) for pair in pairs.values()):
            break
    return pairs


def _pairs_of(
    name: str, ours: list[Mapping[str, float]], theirs: list[Mapping[str, float]]
) -> Pairs:
    return Pairs(
        ours=[figures[name] for figures in ours], theirs=[figures[name] for figures in theirs]
    )


def execute(operation: str, **options: object) -> Outcome:
    """Carry out a Job in a child of its own; what fails there fails the test."""
    texts = {name.replace("_", "-"): str(value) for name, value in options.items()}
    outcome = worker.execute(Job(operation=operation, options=texts))
    assert outcome.crash is None, outcome.crash
    assert outcome.error is None, outcome.error
    return outcome


def keep(benchmark: BenchmarkFixture, measure: Callable[[], Pairs], **notes: object) -> Pairs:
    """Take the pairs once under pytest-benchmark, with the figures in its extra_info."""
    pairs: Pairs = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info |= {
        "ratio": pairs.ratio,
        "low": pairs.interval.low,
        "high": pairs.interval.high,
        "ours": pairs.ours,
        "theirs": pairs.theirs,
        **notes,
    }
    return pairs


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An incompressible file, large enough that the device sets the pace."""
    return _make(tmp_path_factory, FILE_BYTES)


@pytest.fixture(scope="session")
def cached_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that stays in the page cache."""
    return _make(tmp_path_factory, CACHED_BYTES)


def _make(factory: pytest.TempPathFactory, size_bytes: int) -> Path:
    path = factory.mktemp("perf") / "model.bin"
    outcome = native.run_job(
        Job(operation="make-file", options={"file": str(path), "bytes": str(size_bytes)})
    )
    assert outcome.error is None, outcome.error
    return path


@pytest.fixture
def huge_pages() -> Iterator[int]:
    """Enough huge pages for fio's window, for the time of one test; yields their size."""
    reserved = Path("/proc/sys/vm/nr_hugepages")
    if not os.access(reserved, os.W_OK):
        pytest.skip("reserving huge pages needs root")
    before = reserved.read_text()
    reserved.write_text(str(int(before) + 16))
    try:
        yield 2 << 20
    finally:
        reserved.write_text(before)


@pytest.fixture
def default_read_ahead(model: Path) -> Iterator[None]:
    """The model's device with Linux's own read_ahead_kb of 128, whatever the machine has."""
    number = model.stat().st_dev
    queue = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/queue/read_ahead_kb")
    if not queue.exists():
        queue = queue.parents[2] / "queue" / queue.name
    if not os.access(queue, os.W_OK):
        pytest.skip("setting read_ahead_kb needs root and a block device")
    before = queue.read_text()
    queue.write_text("128")
    try:
        yield
    finally:
        queue.write_text(before)


@pytest.fixture(scope="session")
def fio() -> Callable[..., dict[str, float]]:
    """Runs fio's io_uring engine on a file and returns its ``read`` figures."""
    program = shutil.which("fio")
    if program is None:
        pytest.skip("fio is not installed: apt-get install fio")

    def run(path: Path, **options: object) -> dict[str, float]:
        words = [f"--{name}={value}" for name, value in options.items()]
        done = subprocess.run(
            [
                program,
                "--name=read",
                f"--filename={path}",
                "--readonly",
                "--rw=read",
                "--ioengine=io_uring",
                "--output-format=json",
                *words,
            ],
            capture_output=True,
            check=True,
        )
        job = msgspec.json.decode(done.stdout)["jobs"][0]
        assert job["error"] == 0
        figures: dict[str, float] = job["read"]
        return figures

    return run
