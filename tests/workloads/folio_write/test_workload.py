"""The Cases of folio-write."""

from collections.abc import Mapping

import pytest

import loadstone
from loadstone.errors import UsageError
from loadstone.model import Value
from loadstone.workloads import make_cases, workload


@pytest.mark.parametrize("sync", ["every:", "every:0", "every:x", "every:-1", "every:1.5"])
def test_a_sync_without_a_count_is_refused(sync: str) -> None:
    with pytest.raises(UsageError, match="sync: "):
        loadstone.run("folio-write", axes={"sync": sync})


def test_the_default_cases_are_known_by_their_labels() -> None:
    chosen = workload("folio-write")
    cases, _ = make_cases(chosen, chosen.default_cases())
    assert [case.label for case in cases] == [
        f"{size} fresh" for size in ("4KiB", "16KiB", "64KiB", "256KiB", "1MiB")
    ]


@pytest.mark.parametrize(("name", "most"), [("threads", 256), ("depth", 4096)])
def test_more_than_the_core_can_do_is_refused(name: str, most: int) -> None:
    with pytest.raises(UsageError, match=f"{name}: {most + 1} is too many; write {most} or less"):
        loadstone.run("folio-write", axes={"engine": "uring", name: most + 1})


def test_the_depth_follows_from_the_engine() -> None:
    choices: list[Mapping[str, Value]] = [
        {"engine": "uring", "size": 65536},
        {"engine": "uring", "size": 65536, "depth": 4},
        {"size": 65536, "depth": 4},
    ]
    cases, remarks = make_cases(workload("folio-write"), choices)
    assert [case.parameters["depth"] for case in cases] == [16, 4, 1]
    assert [case.label for case in cases] == [
        "64KiB×16 fresh uring",
        "64KiB×4 fresh uring",
        "64KiB fresh",
    ]
    assert remarks == ["depth has no meaning for engine pwrite: left out there"]


def test_what_has_no_meaning_beside_the_rest_is_left_out_and_told() -> None:
    choices: list[Mapping[str, Value]] = [
        {"pattern": "overwrite", "prealloc": "fallocate"},
        {"mkfs": "-b 1024", "mount": "noatime"},
    ]
    cases, remarks = make_cases(workload("folio-write"), choices)
    assert [case.parameters["prealloc"] for case in cases] == ["none", "none"]
    assert {cases[1].parameters[name] for name in ("mkfs", "mount")} == {"defaults"}
    assert remarks == [
        "prealloc has no meaning for pattern overwrite: left out there",
        "mkfs has no meaning for fs dir: left out there",
        "mount has no meaning for fs dir: left out there",
    ]


@pytest.mark.parametrize("name", ["mkfs", "mount"])
@pytest.mark.parametrize(
    "options",
    ["/dev/sda", "-l logdev=/dev/sda", "-J device=UUID=1", "../x", "-J device=LABEL=x", "Makefile"],
)
def test_options_that_name_a_device_of_somebody_elses_are_refused(name: str, options: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: .* may be a file or a device"):
        workload("folio-write").complete({"fs": "ext4", name: options})


def test_options_that_steer_a_terminal_are_refused() -> None:
    with pytest.raises(UsageError, match=r"mount: .* cannot be shown"):
        workload("folio-write").complete({"fs": "ext4", "mount": "\x1b[2J"})


def test_options_that_are_no_words_are_refused() -> None:
    with pytest.raises(UsageError, match=r"mkfs: .*No closing quotation; quote it"):
        workload("folio-write").complete({"fs": "ext4", "mkfs": "-L 'x"})
