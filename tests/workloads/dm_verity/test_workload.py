"""The Cases of dm-verity."""

import pytest

from commands import MIB
from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_cases, workload

VERITY = workload("dm-verity")


def test_the_default_cases_are_known_by_their_labels() -> None:
    cases, _ = make_cases(VERITY, VERITY.default_cases())
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
