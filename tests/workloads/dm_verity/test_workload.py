"""dm-verity: what its Cases are, how large a hash tree is, and what is made of two devices' reads.

The core's operation reads any block device beside any other, so that all but verifying is tested
here on loop devices; what goes through dm-verity is tested in the lab.
"""

import contextlib
import errno
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from commands import MIB, needs, needs_root
from devices import loop, number_of, run
from loadstone.core import native
from loadstone.errors import UsageError
from loadstone.model import Case, CoreError, Finding, Input, Job, Kind, Outcome, Status, Value
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.dm_verity.image import (
    DATA_BLOCK_BYTES,
    Layout,
    Tree,
    layout_of,
    verity_table,
)
from loadstone.workloads.dm_verity.trials import PreparedVerity

VERITY = workload("dm-verity")
IMAGE_BYTES = 4 * MIB
HASH_BLOCKS = (512, 1024, 2048, 4096)


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(VERITY, [{"total": MIB, **chosen}])
    return case


def test_every_default_case_has_a_label_and_an_id_of_its_own() -> None:
    cases, remarks = make_cases(VERITY, VERITY.default_cases())
    assert remarks == []
    assert [case.label for case in cases] == [
        "random 4KiB direct cold",
        "random 4KiB direct warm",
        "random 4KiB direct warm ×8",
        "random 4KiB direct warm tasklet",
        "random 4KiB buffered warm",
        "sequential 512KiB direct cold",
        "sequential 512KiB direct cold ×8",
        "sequential 512KiB buffered cold",
    ]
    assert len({case.id for case in cases}) == len(cases)


def test_every_parameter_shows_in_the_label() -> None:
    choices: list[Mapping[str, Value]] = [
        {},
        {"pattern": "sequential"},
        {"block": 8192},
        {"io": "buffered"},
        {"threads": 2},
        {"tasklet": True},
        {"tasklet": True, "use_bh_bytes": "8k"},
        *({"hash_block": size} for size in (512, 1024, 2048)),
        {"cache": "warm"},
        {"total": 4 * MIB},
    ]
    assert {key for choice in choices for key in choice} == {one.name for one in VERITY.parameters}
    cases, remarks = make_cases(VERITY, choices)
    assert len({case.label for case in cases}) == len(cases) == len(choices)
    assert remarks == []


def test_the_core_knows_every_parameter_of_the_reads_and_every_choice() -> None:
    options = native.operation_options("device-read")
    of_the_table = {"tasklet", "use_bh_bytes", "hash_block", "cache"}
    parameters = {one.name: one for one in VERITY.parameters if one.name not in of_the_table}
    assert set(options) == {*parameters, "device", "baseline", "warm-stride", "seed"}
    for name, parameter in parameters.items():
        kind, words = options[name]
        assert (kind == "choice") == (parameter.kind is Kind.CHOICE)
        assert set(words) == set(parameter.choices)


def test_sizes_follow_the_pattern() -> None:
    for pattern, block, total in (
        ("random", 4096, 8 * MIB),
        ("sequential", 512 << 10, 32 * MIB),
    ):
        (case,), _ = make_cases(VERITY, [{"pattern": pattern}])
        assert (case.parameters["block"], case.parameters["total"]) == (block, total)


def test_use_bh_bytes_without_tasklet_has_no_meaning() -> None:
    (case,), remarks = make_cases(VERITY, [{"use_bh_bytes": "8k"}])
    assert remarks == ["use_bh_bytes has no meaning without tasklet: left out there"]
    assert case.id == make_cases(VERITY, [{}])[0][0].id
    (case,), _ = make_cases(VERITY, [{"use_bh_bytes": "8KiB", "tasklet": True}])
    assert case.id == make_cases(VERITY, [{"use_bh_bytes": "8192", "tasklet": True}])[0][0].id


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"block": 4096 + 512}, "block: 4608 is no multiple of the data block; write 4096 or"),
        ({"total": MIB + 1}, "total: 1048577 is no multiple of the data block; write 4096 or"),
        ({"hash_block": 8192}, "hash_block: 8192 is none; write 512, 1KiB, 2KiB, 4KiB"),
        ({"hash_block": 768}, "hash_block: 768 is none; write 512, 1KiB, 2KiB, 4KiB"),
        ({"threads": 8, "block": MIB, "total": 4 * MIB}, "total: is less than one block for each"),
        ({"tasklet": True, "use_bh_bytes": "much"}, "use_bh_bytes: 'much' is not a size; write"),
        ({"tasklet": True, "use_bh_bytes": "-1"}, "use_bh_bytes: '-1' is not a size; write 4k"),
    ],
)
def test_what_cannot_be_read_or_hashed_is_refused(chosen: dict[str, Value], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_cases(VERITY, [chosen])
    assert str(caught.value).startswith(complaint)


@needs("veritysetup")
@pytest.mark.parametrize("hash_block", HASH_BLOCKS)
@pytest.mark.parametrize("blocks", [2, 15, 16, 17, 128, 129, 1024, 2049, 16384])
def test_a_tree_takes_what_veritysetup_writes(tmp_path: Path, blocks: int, hash_block: int) -> None:
    layout = Layout(file=None, image_bytes=blocks * DATA_BLOCK_BYTES, hash_blocks=HASH_BLOCKS)
    assert written_tree(tmp_path, layout, hash_block) == layout.tree_bytes(hash_block)


@needs("veritysetup")
def test_an_image_of_one_block_needs_no_tree_and_has_room_for_one(tmp_path: Path) -> None:
    """Its root is the hash of the block itself; a device of no size could not be made."""
    layout = Layout(file=None, image_bytes=DATA_BLOCK_BYTES, hash_blocks=(4096,))
    assert written_tree(tmp_path, layout, 4096) == 0
    assert layout.tree_bytes(4096) == 4096


def written_tree(directory: Path, layout: Layout, hash_block: int) -> int:
    """How large a file veritysetup makes of the hashes of an image."""
    data, hashes = directory / "data", directory / "hashes"
    with data.open("wb") as image:
        image.truncate(layout.image_bytes)
    run(
        *("veritysetup", "format", "--no-superblock", "--format=1", "--hash=sha256"),
        *(f"--hash-block-size={hash_block}", f"--data-block-size={DATA_BLOCK_BYTES}"),
        *(f"--data-blocks={layout.image_bytes // DATA_BLOCK_BYTES}", str(data), str(hashes)),
    )
    return hashes.stat().st_size


def test_trees_lie_behind_the_image_and_behind_each_other() -> None:
    layout = layout_of(Input(size_bytes=3 * MIB + 5), [4096, 512, 4096])
    assert layout.image_bytes == 3 * MIB + 4096
    assert layout.hash_blocks == (512, 4096)
    assert layout.tree_start(512) == layout.image_bytes
    assert layout.tree_start(4096) == layout.image_bytes + layout.tree_room(512)
    assert layout.device_bytes == layout.tree_start(4096) + layout.tree_bytes(4096)


def test_the_image_of_a_file_is_the_file_in_whole_blocks(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(bytes(5000))
    layout = layout_of(Input(file=str(file)), [4096])
    assert (layout.file, layout.image_bytes) == (str(file), 8192)
    with pytest.raises(UsageError, match="No such file or directory"):
        layout_of(Input(file=str(tmp_path / "none")), [4096])


def test_a_verity_table_is_what_the_kernel_documents() -> None:
    """Documentation/admin-guide/device-mapper/verity.rst, construction parameters."""
    layout = Layout(file=None, image_bytes=IMAGE_BYTES, hash_blocks=(1024,))
    tree = Tree(device=mapped("/dev/dm-1", "252:1"), root="ab" * 32, block_bytes=1024)
    words = verity_table(layout, mapped("/dev/dm-0", "252:0"), tree, ()).split()
    assert words[:3] == ["0", str(IMAGE_BYTES // 512), "verity"]
    assert words[3:12] == ["1", "252:0", "252:1", "4096", "1024", "1024", "0", "sha256", "ab" * 32]
    assert len(words) == 13
    optional = verity_table(layout, mapped("", "7:1"), tree, ("try_verify_in_tasklet",))
    assert optional.endswith(" 1 try_verify_in_tasklet")


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
    if pattern == "sequential":
        # Read ahead takes more.
        assert 2 * MIB <= evidence["image_read_bytes"] <= IMAGE_BYTES
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
def test_an_error_of_the_floor_is_the_devices_and_never_veritys(bench: Bench) -> None:
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
