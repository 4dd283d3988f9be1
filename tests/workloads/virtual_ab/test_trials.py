"""What is made of an Outcome of virtual-ab; what really comes out is tested in tests/dm."""

import errno
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from commands import MIB
from loadstone.model import Case, CoreError, Histogram, Input, Outcome, Status, Value
from loadstone.provision.block_device import BlockDevice
from loadstone.provision.device_mapper import MappedDevice
from loadstone.provision.verity_image import Fec, Layout, Tree
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.virtual_ab.devices import Stack
from loadstone.workloads.virtual_ab.stores import store_of
from loadstone.workloads.virtual_ab.trials import PreparedUpdate

UPDATE = workload("virtual-ab")
IMAGE_BYTES = 8 * MIB
MERGED_BYTES = 4 * MIB
READS = 500
_NUMBERS = {"lower": "7:0", "base": "253:1", "cow": "253:2", "hash": "253:3", "fec": "253:4"}


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(UPDATE, [chosen])
    return case


@pytest.fixture
def target(tmp_path: Path) -> Iterator[LocalTarget]:
    target = LocalTarget(tmp_path)
    yield target
    target.close()


def prepared(
    target: LocalTarget, case: Case, image_bytes: int = IMAGE_BYTES, verity: str | None = None
) -> PreparedUpdate:
    def device(what: str) -> MappedDevice:
        number = _NUMBERS.get(what, "253:9")
        return MappedDevice(name="loadstone-none", path="/dev/x", number=number, table="", mode="")

    stack = Stack(
        layout=Layout(file=None, image_bytes=image_bytes, hash_blocks=(4096,), fec_roots=(2,)),
        lower=BlockDevice(path="/dev/lower", number=_NUMBERS["lower"], bytes=0),
        image=device("image"),
        tree=Tree(device=device("hash"), root="", block_bytes=4096),
        fec={2: Fec(device=device("fec"), roots=2)},
        base=device("base"),
        stores={store_of(case, image_bytes): device("cow")},
        snapshot=device("snapshot"),
        verity={2: verity or device("verity")},
    )
    return PreparedUpdate(target, Input(), stack, "4.50.0")


def stat(reads: int, read_bytes: int, writes: int, write_bytes: int, flushes: int = 0) -> str:
    words = [reads, 0, read_bytes // 512, 0, writes, 0, write_bytes // 512, *[0] * 8, flushes, 0]
    return " ".join(map(str, words))


def outcome(counted: Mapping[str, str] | None = None, **values: int) -> Outcome:
    """Of a merge: 500 reads of 4 KiB above, and 4 MiB copied in 64 steps below."""
    after = {
        "lower": stat(600, 2 * MIB + 5 * MIB, 128, MERGED_BYTES + MIB, flushes=128),
        "base": stat(400, READS * 4096 - MIB, 64, MERGED_BYTES),
        "cow": stat(200, MIB + 5 * MIB, 64, MIB),
        "hash": stat(0, 0, 0, 0),
        "fec": stat(0, 0, 0, 0),
        **(counted or {}),
    }
    texts = [
        {f"/sys/dev/block/{_NUMBERS[name]}/stat": text for name, text in one.items()}
        for one in (dict.fromkeys(after, stat(0, 0, 0, 0)), after)
    ]
    return Outcome(
        values={
            **{"reads": READS, "bytes": READS * 4096, "elapsed_ns": 10**9},
            **{"merged_bytes": MERGED_BYTES, "merge_ns": 5 * 10**8},
            **values,
        },
        histograms=(
            Histogram(
                name="read",
                count=READS,
                min_ns=1000,
                max_ns=9000,
                sum_ns=READS * 1000,
                buckets={1000: READS - 6, 8960: 6},
            ),
        ),
        before=texts[0],
        after=texts[1],
    )


def test_a_merge_has_its_rate_and_what_each_chunk_took(target: LocalTarget) -> None:
    case = case_of()
    finding = prepared(target, case).evaluate(case, outcome())
    assert (finding.status, finding.notes) == (Status.OK, ())
    assert finding.metrics["merge_mib_per_s"] == 8
    # Of 1024 chunks.
    assert finding.metrics["flushes_per_chunk"] == 128 / 1024
    assert 1000 <= finding.metrics["read_ns"] < 1100
    assert finding.metrics["read_p99_ns"] > 8000
    assert finding.evidence["read_max_ns"] == 9000
    assert finding.evidence["block.write_ios"] == 128
    # What readers read is none of the merge's.
    assert finding.evidence["read_per_merged_byte"] == 5 / 4
    assert finding.evidence["written_per_merged_byte"] == 5 / 4


def test_where_nothing_is_merged_there_is_no_figure_of_it(target: LocalTarget) -> None:
    case = case_of(state="updated")
    done = outcome()
    values = {key: value for key, value in done.values.items() if not key.startswith("merge")}
    finding = prepared(target, case).evaluate(case, msgspec.structs.replace(done, values=values))
    assert finding.status is Status.OK
    assert set(finding.metrics) == {"read_ns", "read_p99_ns"}


def test_a_merge_that_is_over_at_once_is_invalid(target: LocalTarget) -> None:
    case = case_of()
    finding = prepared(target, case).evaluate(case, outcome(reads=99))
    assert finding.status is Status.INVALID
    assert finding.reason == "it was over after 99 reads: too few for a percentile"
    assert finding.remedy == "--set changed or total to more, or a larger --size"


def test_a_merge_of_less_than_was_changed_is_invalid(target: LocalTarget) -> None:
    case = case_of()
    finding = prepared(target, case).evaluate(case, outcome(merged_bytes=MERGED_BYTES - 4096))
    assert finding.status is Status.INVALID
    assert finding.reason == "4190208 bytes were merged, and the update changed 4194304"


def test_blocks_that_were_taken_for_damaged_are_told(target: LocalTarget) -> None:
    case = case_of()
    counted = {"fec": stat(41, 41 * 4096, 0, 0)}
    finding = prepared(target, case).evaluate(case, outcome(counted))
    assert finding.status is Status.OK
    assert finding.notes == ("dm-verity took blocks for damaged, and read 41 times of FEC",)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            CoreError(code=errno.EBADMSG, step="verify", path="/dev/dm-5", offset=8192),
            "wrong data: /dev/dm-5 at 8192 is not what the update has there",
        ),
        (
            CoreError(code=errno.EIO, step="merge", path="snapshot-merge Invalid"),
            "the kernel gave the snapshot up before it was merged: its status is "
            "snapshot-merge Invalid",
        ),
    ],
)
def test_what_went_wrong_is_a_failure(target: LocalTarget, error: CoreError, reason: str) -> None:
    case = case_of()
    finding = prepared(target, case).evaluate(case, Outcome(error=error))
    assert (finding.status, finding.reason) == (Status.FAILED, reason)
    assert finding.remedy


def test_what_the_kernel_or_the_image_has_no_room_for_is_a_skip(target: LocalTarget) -> None:
    case = case_of(piece=MIB)
    assert prepared(target, case).skip_reason(case) is None
    small = prepared(target, case, image_bytes=MIB // 2).skip_reason(case)
    assert small is not None
    assert small.reason == "piece: 1MiB are more than the image of 512 KiB"
    refused = prepared(target, case, verity="EINVAL").skip_reason(case)
    assert refused is not None
    assert refused.reason == "this kernel makes no such verity device: EINVAL"
