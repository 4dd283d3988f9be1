"""The Cases of zoned-gc: what goes together, and what is refused."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_case, make_cases, workload

GC = workload("zoned-gc")
_KIB, _MIB = 1 << 10, 1 << 20


def test_controls_stand_beside_it_by_default() -> None:
    cases, _ = make_cases(GC, GC.default_cases())
    assert [case.label for case in cases] == [
        "f2fs 16KiB fdatasync",
        "f2fs 16KiB fdatasync fill 60 %",
        "f2fs 4KiB O_DIRECT",
        "f2fs-conventional 16KiB fdatasync",
        "f2fs-lfs 16KiB fdatasync",
        "zonefs 4KiB O_DIRECT",
    ]


def test_a_knob_that_is_left_alone_is_in_no_label() -> None:
    case, _ = make_case(GC, {"reserved": "30", "gc_boost_gc_greedy": "0"})
    assert case.label == "f2fs 16KiB fdatasync reserved 30 gc_boost_gc_greedy 0"


@pytest.mark.parametrize(
    ("chosen", "dropped"),
    [
        ({"fs": "zonefs", "reserved": "30"}, "reserved has no meaning for fs zonefs"),
        ({"fs": "zonefs", "sync": "fdatasync"}, "sync has no meaning for fs zonefs"),
        ({"fs": "f2fs-lfs", "conventional": 4}, "conventional has no meaning for fs f2fs-lfs"),
        ({"burst": 10}, "burst has no meaning without pause"),
    ],
)
def test_what_has_no_meaning_is_left_out(chosen: dict[str, Value], dropped: str) -> None:
    _, remarks = make_case(GC, chosen)
    assert remarks == [f"{dropped}: left out there"]


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"zone": _MIB}, "zone: 1MiB is no power of two from a segment of F2FS, 2MiB, on"),
        ({"zone": 6 * _MIB}, "zone: 6MiB is no power of two"),
        ({"device": 6 * _MIB}, "device: 6MiB is no multiple of the zone, 4MiB"),
        ({"device": 4 * _MIB}, "device: 4MiB is no multiple of the zone, 4MiB"),
        ({"fill": 101}, "fill: 101 percent is too much"),
        ({"write": 6 * _KIB}, "write: 6KiB is no multiple of 4KiB up to 16MiB"),
        ({"total": 31 * _MIB}, "total: 31MiB is 1984 writes"),
        ({"pause": 10**7}, "pause: 10000000 ms is too long"),
        ({"reserved": "128"}, "reserved: 128 segments are more than 127, and the device has 128"),
        ({"reserved": "many"}, "reserved: 'many' is no count"),
        ({"overprovision": "-5"}, "overprovision: '-5' is no count"),
    ],
)
def test_what_no_device_has_is_refused(chosen: dict[str, Value], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        GC.complete(chosen)
    assert caught.value.what.startswith(complaint)
    assert caught.value.remedy
