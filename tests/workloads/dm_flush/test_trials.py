"""Trials of dm-flush on a real device.

The core's operation works on any block device, so that all but the tables is tested here on loop
devices; what goes through device-mapper is tested in tests/dm.
"""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB, needs, needs_root
from devices import loop, number_of, partition
from loadstone.core import native
from loadstone.model import Case, Input, Outcome, Status, Value
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.dm_flush.trials import PreparedFlush

FLUSH = workload("dm-flush")


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(FLUSH, [{"threads": 1, "writes": 8, **chosen}])
    return case


@pytest.fixture
def device(place: Path, nothing_is_left: None) -> Iterator[str]:
    """A loop device of 4 MiB."""
    del nothing_is_left
    with loop(place / "image", "--partscan") as device:
        yield device


class Bench:
    """Cases on one device, without a table between."""

    def __init__(self, place: Path, device: str, below: str | None = None) -> None:
        below = below or device
        lower = BlockDevice(path=below, number=number_of(below), bytes=4 * MIB)
        self._mapped = MappedDevice(
            name="loadstone-none", path=device, number=number_of(device), table="", mode=""
        )
        self._target = LocalTarget(place / "results")
        self._lower = lower

    def prepared(self, case: Case) -> PreparedFlush:
        tables = {case.id: self._mapped}
        return PreparedFlush(self._target, Input(), (self._lower,), tables, "4.50.0")

    def run(self, **chosen: Value) -> tuple[Outcome, PreparedFlush, Case]:
        case = case_of(**chosen)
        prepared = self.prepared(case)
        return native.run_job(prepared.job(case)), prepared, case


@pytest.fixture
def bench(place: Path, device: str) -> Bench:
    return Bench(place, device)


def counts(outcome: Outcome) -> dict[str, int]:
    return {one.name: one.count for one in outcome.histograms}


@needs_root
@pytest.mark.parametrize("io", ["buffered", "direct"])
@pytest.mark.parametrize(
    ("sync", "histograms"),
    [
        ("fdatasync", {"write": 8, "sync": 8}),
        ("fsync", {"write": 8, "sync": 8}),
        ("dsync", {"sync": 8}),
        ("empty", {"sync": 8}),
    ],
)
def test_every_sync_is_counted_and_every_flush_reaches_the_device(
    bench: Bench, sync: str, io: str, histograms: dict[str, int]
) -> None:
    outcome, prepared, case = bench.run(sync=sync, io=io)
    finding = prepared.evaluate(case, outcome)
    assert finding.status is Status.OK, finding.reason
    assert counts(outcome) == histograms
    evidence, metrics = finding.evidence, finding.metrics
    written = 0 if sync == "empty" else 8
    assert (evidence["writes"], evidence["syncs"]) == (written, 8)
    assert evidence["bytes"] == written * 4096
    # Around the page cache the kernel flushes behind the write, and once more as it syncs.
    most = 2 if (sync, io) == ("dsync", "direct") else 1
    assert 1 <= evidence["flushes_per_sync"] <= most
    assert evidence["block.write_bytes"] == written * 4096
    assert metrics["syncs_per_s"] == pytest.approx(8 / evidence["elapsed_ns"] * 1e9)
    assert (metrics["throughput"] > 0) == (sync != "empty")
    assert ("write_ns" in metrics) == ("write" in histograms)
    # Eight are too few to have a 99th percentile.
    assert "sync_p99_ns" not in metrics
    assert finding.notes == ()


@needs_root
def test_all_threads_write_and_sync_and_flushes_may_be_shared(bench: Bench) -> None:
    outcome, prepared, case = bench.run(threads=8, writes=50, block=512)
    evidence = prepared.evaluate(case, outcome).evidence
    assert counts(outcome) == {"write": 400, "sync": 400}
    assert evidence["bytes"] == 400 * 512
    assert 0 < evidence["flushes_per_sync"] <= 1
    assert prepared.evaluate(case, outcome).metrics["sync_p99_ns"] > 0


@needs_root
def test_for_a_time_means_at_least_that_time(bench: Bench) -> None:
    outcome, prepared, case = bench.run(threads=2, seconds=1)
    finding = prepared.evaluate(case, outcome)
    assert finding.evidence["elapsed_ns"] >= 1e9
    assert finding.evidence["syncs"] == finding.evidence["writes"] > 2
    assert prepared.job(case).timeout_s > 601


@needs_root
def test_only_whole_blocks_of_the_device_are_written(
    place: Path, bench: Bench, device: str
) -> None:
    """All that is written lies at a multiple of the block, also where the device ends between."""
    block = 3 * 512
    before = Path(device).read_bytes()
    outcome, _, _ = bench.run(block=block, writes=4, io="direct")
    assert outcome.error is None
    after = (place / "image").read_bytes()
    starts = range(0, len(after), block)
    changed = [at for at in starts if after[at : at + block] != before[at : at + block]]
    assert 1 <= len(changed) <= 4
    assert all(at + block <= len(after) for at in changed)


@needs_root
@needs("addpart")
def test_flushes_of_a_partition_are_counted_at_its_disk(place: Path, device: str) -> None:
    with partition(device) as part:
        bench = Bench(place, part)
        outcome, prepared, case = bench.run()
        finding = prepared.evaluate(case, outcome)
    assert finding.evidence["flushes_per_sync"] == 1
    assert finding.notes == ()


@needs_root
def test_where_nothing_is_remapped_the_count_is_zero_and_not_unknown(bench: Bench) -> None:
    outcome, prepared, case = bench.run()
    if outcome.values["counted_remaps"] < 0:
        pytest.skip("no counter of block:block_bio_remap: mount tracefs; CONFIG_EVENT_TRACING")
    assert prepared.evaluate(case, outcome).evidence["remaps_per_flush"] == 0


@needs_root
def test_flushes_that_the_kernel_does_not_tell_are_unknown_and_not_zero(bench: Bench) -> None:
    outcome, prepared, case = bench.run()
    refused = Outcome(
        values={**outcome.values, "counted_remaps": -errno.EACCES}, histograms=outcome.histograms
    )
    finding = prepared.evaluate(case, refused)
    assert finding.evidence["flushes_per_sync"] == finding.evidence["remaps_per_flush"] == -1
    flushes, remaps = finding.notes
    assert flushes.startswith("flushes unknown: ")
    assert remaps == "remaps unknown: root may count them (tracepoint block:block_bio_remap)"


@needs_root
@pytest.mark.parametrize(
    ("cache", "words"),
    [("write back", "does not count them (bio-based)"), ("write through", "no volatile write cac")],
)
def test_no_flush_at_the_device_is_told_with_why(
    bench: Bench, device: str, cache: str, words: str
) -> None:
    """Without a write cache the kernel drops flushes."""
    attribute = Path("/sys/class/block") / Path(device).name / "queue/write_cache"
    try:
        attribute.write_text(cache)
        outcome, prepared, case = bench.run()
    finally:
        # A loop device keeps it for its next file.
        attribute.write_text("write back")
    if cache == "write back":
        outcome = Outcome(
            values=outcome.values,
            histograms=outcome.histograms,
            before=outcome.before,
            after=outcome.before,
        )
    finding = prepared.evaluate(case, outcome)
    assert finding.evidence["flushes_per_sync"] == 0
    assert finding.notes[0].startswith("no flush reached the device below: it ")
    assert words in finding.notes[0]


@needs_root
def test_the_counters_of_all_devices_below_add_up(place: Path, device: str) -> None:
    with loop(place / "other") as other:
        case = case_of()
        devices = [
            BlockDevice(path=path, number=number_of(path), bytes=4 * MIB)
            for path in (device, other)
        ]
        target = LocalTarget(place / "results")
        for path in (device, other):
            mapped = MappedDevice(name="", path=path, number="", table="", mode="")
            prepared = PreparedFlush(target, Input(), devices, {case.id: mapped}, "4.50.0")
            finding = prepared.evaluate(case, native.run_job(prepared.job(case)))
            assert finding.evidence["flushes_per_sync"] == 1
            assert finding.evidence["block.write_bytes"] == 8 * 4096


def test_a_job_may_take_as_long_as_the_slowest_device_needs() -> None:
    job = prepared_without_device().job(case_of(threads=16, writes=20))
    assert job.timeout_s == 600 + 320 * 0.1
    assert job.options["threads"] == "16"
    assert "segments" not in job.options


@needs_root
@pytest.mark.parametrize(
    ("chosen", "words", "remedy"),
    [
        ({"block": 512}, "", ""),
        ({"block": 1000}, "the block must be a multiple of 512 bytes on", "--set block=512 or a"),
        ({"block": 8 * MIB}, "is smaller than one block", "--set block to less"),
    ],
)
def test_a_block_that_the_device_cannot_take_is_a_skip(
    bench: Bench, chosen: dict[str, Value], words: str, remedy: str
) -> None:
    outcome, prepared, case = bench.run(**chosen)
    finding = prepared.evaluate(case, outcome)
    assert finding.status is (Status.SKIPPED if words else Status.OK)
    assert words in (finding.reason or "")
    assert (finding.remedy or "").startswith(remedy)


def test_a_device_that_hangs_ends_the_run_and_a_crash_does_not() -> None:
    prepared = prepared_without_device()
    hung = prepared.evaluate(case_of(), Outcome(crash="no answer within 600 s; killed"))
    crashed = prepared.evaluate(case_of(), Outcome(crash="killed by SIGSEGV"))
    assert (hung.status, hung.ends_run) == (Status.FAILED, True)
    assert (crashed.status, crashed.ends_run) == (Status.FAILED, False)
    assert "see dmesg" in (hung.remedy or "")


def prepared_without_device() -> PreparedFlush:
    """For what needs no device: any file will do to look at."""
    lower = BlockDevice(path="/dev/null", number="0:0", bytes=0)
    mapped = MappedDevice(name="", path="/dev/x", number="0:0", table="", mode="")
    cases = {case_of().id: mapped, case_of(threads=16, writes=20).id: mapped}
    return PreparedFlush(LocalTarget(Path("/nonexistent")), Input(), (lower,), cases, "4.50.0")


@needs_root
def test_flushes_are_counted_of_a_device_that_counts_nothing_else(
    bench: Bench, device: str
) -> None:
    switch = Path("/sys/class/block") / Path(device).name / "queue/iostats"
    switch.write_text("0")
    try:
        outcome, prepared, case = bench.run()
    finally:
        switch.write_text("1")
    finding = prepared.evaluate(case, outcome)
    assert finding.evidence["flushes_per_sync"] != 0
    assert "block.write_ios" not in finding.evidence
    assert not any(note.startswith("no flush reached") for note in finding.notes)
