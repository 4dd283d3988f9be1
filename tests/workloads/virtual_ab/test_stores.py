"""Where things lie below an image that was updated."""

import pytest

from commands import MIB
from loadstone.model import Case, Input, Value
from loadstone.workloads import make_cases, workload
from loadstone.workloads.virtual_ab.stores import Store, changed_bytes, snapshot_table, store_of

UPDATE = workload("virtual-ab")
CHUNK = 4096
IMAGE_BYTES = 32 * MIB


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(UPDATE, [chosen])
    return case


@pytest.mark.parametrize(
    ("changed", "piece", "image_bytes", "expected"),
    [
        (50, 65536, IMAGE_BYTES, 16 * MIB),
        (100, 65536, IMAGE_BYTES, IMAGE_BYTES),
        (100, MIB, IMAGE_BYTES + CHUNK, IMAGE_BYTES),
        (1, CHUNK, IMAGE_BYTES, 81 * CHUNK),
        (1, MIB, MIB, MIB),
    ],
)
def test_whole_pieces_are_changed_and_one_at_least(
    changed: int, piece: int, image_bytes: int, expected: int
) -> None:
    assert changed_bytes(case_of(changed=changed, piece=piece), image_bytes) == expected


@pytest.mark.parametrize("extents", [1, 7, 16, 4096])
@pytest.mark.parametrize("changed", [1, 50, 100])
@pytest.mark.parametrize("image_bytes", [CHUNK * 16, IMAGE_BYTES, 40 * MIB])
def test_a_store_has_room_for_all_that_changes_and_what_says_where(
    extents: int, changed: int, image_bytes: int
) -> None:
    case = case_of(extents=extents, changed=changed)
    store = store_of(case, image_bytes)
    chunks = changed_bytes(case, image_bytes) // CHUNK
    # A header, and before each 256 chunks one of metadata.
    takes = 1 + chunks + -(-chunks // 256)
    has = store.extents * store.extent_bytes // CHUNK
    assert takes + 1 < has <= takes + 10 + extents
    assert store.extents == extents
    assert store.extent_bytes % CHUNK == 0


def test_extents_follow_each_other_above_and_not_below() -> None:
    store = Store(extents=3, extent_bytes=2 * CHUNK)
    assert store.table("7:1", MIB).splitlines() == [
        "0 16 linear 7:1 2048",
        "16 16 linear 7:1 2080",
        "32 16 linear 7:1 2112",
    ]
    assert store.room_bytes == 12 * CHUNK


def test_a_snapshot_is_persistent_and_copies_4_kib_at_a_time() -> None:
    table = snapshot_table("snapshot-merge", IMAGE_BYTES, "253:1", "253:2")
    assert table == "0 65536 snapshot-merge 253:1 253:2 P 8"


def test_there_is_room_on_the_device_for_the_largest_store() -> None:
    few, many = case_of(extents=1, changed=10), case_of(extents=4, changed=100)
    input = Input(size_bytes=IMAGE_BYTES)
    (small,), (large,), (both,) = (
        UPDATE.devices(input, cases) for cases in ([few], [many], [few, many])
    )
    assert both == large
    stores = [store_of(case, IMAGE_BYTES).room_bytes for case in (few, many)]
    assert large - small == stores[1] - stores[0]
    # The image, and the one that is updated.
    assert small - stores[0] > 2 * IMAGE_BYTES
