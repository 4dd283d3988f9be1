"""The Cases of compression."""

import pytest

from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_cases, workload

COMPRESSION = workload("compression")


@pytest.mark.parametrize(
    ("chosen", "label"),
    [
        ({}, "erofs lz4 4KiB sequential"),
        ({"file_system": "f2fs"}, "f2fs lz4 16KiB sequential"),
        ({"file_system": "f2fs", "level": 9, "cluster": 1 << 20}, "f2fs lz4:9 1MiB sequential"),
        ({"file_system": "squashfs", "algorithm": "zstd"}, "squashfs zstd:3 128KiB sequential"),
        ({"file_system": "btrfs", "pattern": "random"}, "btrfs zstd:3 128KiB random"),
        ({"algorithm": "none", "total": 1 << 20}, "erofs none sequential of 1MiB"),
        ({"file_system": "squashfs", "algorithm": "none"}, "squashfs none 128KiB sequential"),
        ({"read_ahead": 0, "block": 8192}, "erofs lz4 4KiB sequential read-ahead 0 by 8KiB"),
    ],
)
def test_what_follows_from_the_file_system_and_the_algorithm(
    chosen: dict[str, Value], label: str
) -> None:
    ((case,), remarks) = make_cases(COMPRESSION, [chosen])
    assert case.label == label
    assert remarks == []


def test_what_is_not_compressed_has_no_level_and_no_cluster() -> None:
    values, remarks = COMPRESSION.complete(
        {"algorithm": "none", "file_system": "f2fs", "cluster": 65536, "level": 3}
    )
    assert remarks == [
        f"{name} has no meaning for algorithm none: left out there" for name in ("level", "cluster")
    ]
    assert (values["level"], values["cluster"]) == (0, 16384)


def test_the_cases_of_its_own_read_each_file_system_in_both_ways() -> None:
    cases, _ = make_cases(COMPRESSION, list(COMPRESSION.default_cases()))
    read = {(case.parameters["file_system"], case.parameters["pattern"]) for case in cases}
    systems = ("f2fs", "erofs", "squashfs", "btrfs")
    assert read == {(one, way) for one in systems for way in ("sequential", "random")}
    assert len({case.label for case in cases}) == len(cases)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"cluster": 6000}, "cluster: 6000 is no multiple of a block"),
        ({"cluster": 2 << 20}, "cluster: 2MiB is more than any of them has"),
        ({"read_ahead": 1000}, "read_ahead: 1000 is no multiple"),
        ({"total": 4096, "block": 8192}, "total: is less than one block"),
    ],
)
def test_sizes_that_nothing_has_are_refused(chosen: dict[str, Value], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        COMPRESSION.complete(chosen)
    assert caught.value.remedy
