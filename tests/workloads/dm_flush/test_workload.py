"""The Cases of dm-flush."""

import pytest

from loadstone.model import Input, Value
from loadstone.workloads import make_cases, workload

FLUSH = workload("dm-flush")


def test_the_default_cases_are_the_published_table_by_its_size() -> None:
    cases, _ = make_cases(FLUSH, FLUSH.default_cases())
    assert [case.label for case in cases] == [
        *("1 linear", "16 linear", "128 linear", "1024 linear", "1024 linear+delay"),
    ]
    assert cases[3].id == make_cases(FLUSH, [{}])[0][0].id


@pytest.mark.parametrize(
    ("chosen", "remarks"),
    [
        ({"seconds": 3, "writes": 5}, ["writes has no meaning with seconds: left out there"]),
        ({"seconds": 3}, []),
        (
            {"sync": "empty", "io": "direct", "block": 8192},
            [
                "block has no meaning for sync empty: left out there",
                "io has no meaning for sync empty: left out there",
            ],
        ),
        ({"sync": "empty", "io": "buffered", "block": 4096}, []),
    ],
)
def test_what_has_no_meaning_is_left_out_and_told(
    chosen: dict[str, Value], remarks: list[str]
) -> None:
    (case,), told = make_cases(FLUSH, [chosen])
    assert told == remarks
    meant = {key: value for key, value in chosen.items() if not any(key in r[:6] for r in remarks)}
    assert make_cases(FLUSH, [meant])[0][0].id == case.id


def test_a_plan_takes_as_many_devices_as_its_largest_case() -> None:
    cases, _ = make_cases(FLUSH, [{"segments": 1}, {"segments": 9, "devices": 3}])
    assert FLUSH.devices(Input(), cases) == ((2 * 16384 + 8000) * 512,) * 3
    assert FLUSH.devices(Input(), make_cases(FLUSH, [{}])[0]) == ((1023 * 16384 + 8000) * 512,)
