"""The Cases of f2fs-read."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_cases, workload

F2FS = workload("f2fs-read")


def test_each_pattern_is_plain_and_immutable_by_itself() -> None:
    cases, _ = make_cases(F2FS, F2FS.default_cases())
    assert [case.label for case in cases] == [
        "plain sequential",
        "immutable sequential",
        "plain random",
        "immutable random",
        "plain sequential direct",
        "immutable sequential direct",
    ]


def test_what_goes_around_the_page_cache_has_no_read_ahead_and_a_mapping_does_not() -> None:
    values, remarks = F2FS.complete({"io": "direct", "read_ahead": 1 << 20})
    assert remarks == ["read_ahead has no meaning for io direct: left out there"]
    assert values["read_ahead"] == 128 << 10
    values, remarks = F2FS.complete({"io": "direct", "pattern": "mmap"})
    assert remarks == ["io has no meaning for pattern mmap: left out there"]
    assert F2FS.label(values) == "plain mmap"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"read_ahead": 1000}, "read_ahead: 1000 is no multiple"),
        ({"total": 4096, "block": 8192}, "total: is less than one block"),
    ],
)
def test_sizes_that_nothing_has_are_refused(chosen: dict[str, Value], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        F2FS.complete(chosen)
    assert caught.value.remedy
