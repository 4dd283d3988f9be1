"""Trials of dm-verity: two devices read alike.

The core's operation reads any block device beside any other, so that all but verifying is tested
here on loop devices; what goes through dm-verity is tested in tests/dm.
"""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from commands import MIB, needs_root
from devices import loop, number_of, run
from loadstone.core import native
from loadstone.model import Case, CoreError, Finding, Input, Job, Outcome, Status, Value
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice
from loadstone.provision.verity_image import (
    Layout,
    Tree,
)
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.dm_verity.trials import PreparedVerity

VERITY = workload("dm-verity")


IMAGE_BYTES = 4 * MIB


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(VERITY, [{"total": MIB, **chosen}])
    return case


def mapped(path: str, number: str) -> MappedDevice:
    return MappedDevice(name="loadstone-none", path=path, number=number, table="", mode="")


class Bench(NamedTuple):
    """A device, the one below it, and one with the hashes; all loops."""

    device: str
    baseline: str
    hashes: str
    target: LocalTarget

    def prepared(self, case: Case, bh_bytes: str | None = None) -> PreparedVerity:
        layout = Layout(file=None, image_bytes=IMAGE_BYTES, hash_blocks=(4096,))
        tree = Tree(device=mapped(self.hashes, number_of(self.hashes)), root="", block_bytes=4096)
        return PreparedVerity(
            target=self.target,
            input=Input(),
            layout=layout,
            lower=BlockDevice(
                path=self.baseline, number=number_of(self.baseline), bytes=IMAGE_BYTES
            ),
            data=mapped(self.baseline, number_of(self.baseline)),
            trees={4096: tree},
            devices={case.id: mapped(self.device, number_of(self.device))},
            bh_bytes=bh_bytes,
            version="4.50.0",
        )

    def read(self, case: Case) -> Outcome:
        names = ("pattern", "block", "total", "threads", "io")
        options = {name: str(case.parameters[name]) for name in names}
        options |= {"device": self.device, "baseline": self.baseline}
        samples = tuple(
            f"/sys/dev/block/{number_of(path)}/stat" for path in (self.baseline, self.hashes)
        )
        return native.run_job(Job(operation="device-read", options=options, samples=samples))

    def evaluate(self, **chosen: Value) -> tuple[Finding, Outcome]:
        case = case_of(**chosen)
        outcome = self.read(case)
        return self.prepared(case).evaluate(case, outcome), outcome

    def with_hashes_read(self, outcome: Outcome) -> Outcome:
        """As if the device had read a block of hashes meanwhile."""
        run("dd", f"if={self.hashes}", "of=/dev/null", "bs=4096", "count=1", "iflag=direct")
        path = f"/sys/dev/block/{number_of(self.hashes)}/stat"
        after = {**outcome.after, path: Path(path).read_text()}
        return msgspec.structs.replace(outcome, after=after)


@pytest.fixture
def bench(place: Path, nothing_is_left: None) -> Iterator[Bench]:
    """A loop device over a loop device: what is read of the one is read of the other."""
    del nothing_is_left
    target = LocalTarget(place / "results")
    with (
        loop(place / "image", size_bytes=IMAGE_BYTES) as baseline,
        loop(place / "hashes", size_bytes=MIB) as hashes,
        upper(baseline) as device,
    ):
        yield Bench(device, baseline, hashes, target)
    target.close()


@contextlib.contextmanager
def upper(baseline: str) -> Iterator[str]:
    """A loop device over a block device."""
    device = run("losetup", "--find", "--show", "--read-only", "--direct-io=on", baseline)
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


@needs_root
@pytest.mark.parametrize("io", ["direct", "buffered"])
@pytest.mark.parametrize("pattern", ["random", "sequential"])
def test_both_devices_are_read_alike_and_told_apart(bench: Bench, pattern: str, io: str) -> None:
    finding, outcome = bench.evaluate(
        pattern=pattern, io=io, threads=2, block=8192, total=2 * MIB, cache="warm"
    )
    assert finding.status is Status.OK, finding.reason
    assert {one.name: one.count for one in outcome.histograms} == {"floor read": 256, "read": 256}
    assert [span.name for span in outcome.spans] == ["floor read", "read"]
    evidence, metrics = finding.evidence, finding.metrics
    assert (evidence["reads"], evidence["bytes"]) == (256, 2 * MIB)
    assert evidence["verified_bytes"] == 64 * 4096
    assert evidence["cached_before_bytes"] == evidence["floor_cached_bytes"] == 0
    assert evidence["hash_read_bytes"] == 0
    reads = evidence["image_read_ios"] + evidence["hash_read_ios"]
    assert evidence["lower_reads_per_block"] == pytest.approx(reads / 512)
    if pattern == "sequential":
        # Read ahead takes more, and takes it again where somebody drops the caches meanwhile.
        assert 2 * MIB <= evidence["image_read_bytes"] <= 2 * IMAGE_BYTES
    assert metrics["throughput"] == pytest.approx(2 * MIB / MIB / evidence["elapsed_ns"] * 1e9)
    assert evidence["floor_mib_per_s"] == pytest.approx(2 / evidence["floor_ns"] * 1e9)
    own_ns = evidence["elapsed_ns"] - evidence["floor_ns"]
    assert metrics["verity_ns_per_block"] == pytest.approx(own_ns / 512)
    assert metrics["verity_s_per_gb"] == pytest.approx(own_ns / (2 * MIB))
    assert 0 < metrics["read_ns"] <= metrics["read_p99_ns"]


@needs_root
def test_cold_is_proven_by_hashes_that_were_read(bench: Bench) -> None:
    case = case_of()
    prepared, outcome = bench.prepared(case), bench.read(case)
    finding = prepared.evaluate(case, outcome)
    assert finding.status is Status.INVALID
    assert finding.reason == "not cold: no hash was read, so they were in memory"
    finding = prepared.evaluate(case, bench.with_hashes_read(outcome))
    assert (finding.status, finding.reason) == (Status.OK, None)
    assert finding.evidence["hash_read_bytes"] == 4096


@needs_root
def test_warm_is_disproven_by_hashes_that_were_read(bench: Bench) -> None:
    case = case_of(cache="warm")
    prepared, outcome = bench.prepared(case), bench.read(case)
    assert prepared.evaluate(case, outcome).status is Status.OK
    finding = prepared.evaluate(case, bench.with_hashes_read(outcome))
    assert finding.status is Status.INVALID
    assert finding.reason == "not warm: 4 KiB of hashes had to be read"


@needs_root
def test_a_sequence_that_was_not_read_from_below_is_invalid(bench: Bench) -> None:
    case = case_of(pattern="sequential", cache="warm")
    outcome = bench.read(case)
    unread = msgspec.structs.replace(outcome, after=outcome.before)
    finding = bench.prepared(case).evaluate(case, unread)
    assert finding.status is Status.INVALID
    assert finding.reason == "only 0 B of the image were read from below"


@needs_root
@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_devices_that_count_nothing_prove_nothing(bench: Bench, cache: str) -> None:
    case = case_of(pattern="sequential", cache=cache)
    outcome = bench.read(case)
    switches = {
        f"/sys/dev/block/{number_of(path)}/queue/iostats": "0\n"
        for path in (bench.baseline, bench.hashes)
    }
    counts = {
        f"/sys/dev/block/{number_of(path)}/stat": f"0 0 0 0 {8 * '0 '}0 0 0 7 1\n"
        for path in (bench.baseline, bench.hashes)
    }
    texts = {**outcome.before, **switches, **counts}
    stopped = msgspec.structs.replace(outcome, before=texts, after=texts)
    finding = bench.prepared(case).evaluate(case, stopped)
    assert finding.status is Status.OK, finding.reason
    assert [note.split(" is not known")[0] for note in finding.notes] == [
        "what was read of the image",
        "what was read of the hash",
    ]


@needs_root
def test_a_device_of_ours_that_has_counted_reads_counts_whatever_its_switch_says(
    bench: Bench,
) -> None:
    """As those of device-mapper do on Linux 6.1."""
    case = case_of(cache="warm")
    outcome = bench.read(case)
    switch = {f"/sys/dev/block/{number_of(bench.hashes)}/queue/iostats": "0\n"}
    texts = {**outcome.before, **switch}
    finding = bench.prepared(case).evaluate(
        case,
        msgspec.structs.replace(outcome, before=texts, after={**outcome.after, **switch}),
    )
    assert finding.status is Status.OK, finding.reason
    assert finding.evidence["hash_read_bytes"] == 0


@needs_root
def test_what_is_cached_of_the_image_may_be_unknown(bench: Bench) -> None:
    case = case_of(cache="warm")
    outcome = bench.read(case)
    unknown = {**outcome.values, "cached_before_bytes": -errno.ENODEV}
    finding = bench.prepared(case).evaluate(case, msgspec.structs.replace(outcome, values=unknown))
    assert finding.status is Status.INVALID
    assert (finding.reason or "").startswith("not known to be cold")


@needs_root
def test_data_in_the_page_cache_are_invalid(bench: Bench) -> None:
    case = case_of(cache="warm")
    outcome = bench.read(case)
    cached = {**outcome.values, "cached_before_bytes": 4096}
    finding = bench.prepared(case).evaluate(case, msgspec.structs.replace(outcome, values=cached))
    assert (finding.status, (finding.reason or "")[:9]) == (Status.INVALID, "not cold:")


@needs_root
def test_devices_that_hold_different_data_end_the_run(place: Path, bench: Bench) -> None:
    with loop(place / "other", size_bytes=IMAGE_BYTES) as other:
        Path(other).write_bytes(bytes(IMAGE_BYTES))
        different = bench._replace(device=other)
        case = case_of()
        outcome = different.read(case)
        assert outcome.error is not None
        assert (outcome.error.code, outcome.error.step) == (errno.EBADMSG, "verify")
        assert outcome.error.path == other
        assert outcome.error.offset % 4096 == 0
        finding = different.prepared(case).evaluate(case, outcome)
    assert (finding.status, finding.ends_run) == (Status.FAILED, True)
    assert (finding.reason or "").startswith(f"wrong data: {other} at {outcome.error.offset} is")


@needs_root
@pytest.mark.parametrize(
    ("chosen", "bh_bytes", "words", "remedy"),
    [
        ({}, None, None, None),
        ({"tasklet": True, "use_bh_bytes": "8k"}, "0", None, None),
        (
            {"tasklet": True, "use_bh_bytes": "8k"},
            None,
            "this kernel's dm-verity has no use_bh_bytes",
            "--set use_bh_bytes=as-is, or a later kernel",
        ),
        (
            {"pattern": "sequential", "total": 8 * MIB},
            None,
            "8MiB in sequence are more than the image of 4 MiB",
            "--set total=4MiB or less, or a larger --size",
        ),
        ({"pattern": "random", "total": 8 * MIB}, None, None, None),
    ],
)
def test_what_cannot_be_tried_is_a_skip_with_its_remedy(
    bench: Bench,
    chosen: dict[str, Value],
    bh_bytes: str | None,
    words: str | None,
    remedy: str | None,
) -> None:
    case = case_of(**chosen)
    finding = bench.prepared(case, bh_bytes).skip_reason(case)
    if words is None:
        assert finding is None
        return
    assert finding is not None
    assert (finding.status, finding.remedy) == (Status.SKIPPED, remedy)
    assert (finding.reason or "").startswith(words)


@needs_root
def test_an_error_of_the_baseline_is_its_own_and_never_veritys(bench: Bench) -> None:
    case = case_of()
    error = CoreError(code=errno.EIO, step="baseline read", path=bench.baseline, offset=8192)
    finding = bench.prepared(case).evaluate(case, Outcome(error=error))
    assert finding.status is Status.FAILED
    reason = f"the device failed: baseline read {bench.baseline} at 8192"
    assert (finding.reason or "").startswith(reason)


@needs_root
def test_a_device_that_hangs_ends_the_run(bench: Bench) -> None:
    case = case_of()
    finding = bench.prepared(case).evaluate(case, Outcome(crash="no answer within 600 s; killed"))
    assert (finding.status, finding.ends_run) == (Status.FAILED, True)


@needs_root
def test_an_image_smaller_than_a_block_is_a_skip(bench: Bench) -> None:
    finding, _ = bench.evaluate(block=8 * MIB, total=8 * MIB)
    assert finding.status is Status.SKIPPED
    assert (finding.reason or "").endswith("is smaller than one block")
