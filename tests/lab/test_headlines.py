"""The headlines of flushes, folios and verity, before and after, by counted instructions."""

from typing import Any

import pytest
from laboratory import NEW, OLD, Lab

pytestmark = pytest.mark.lab

ONCE = ("--rounds", "1", "--warmups", "0")
PAGE = 4096


def by_label(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {case["label"]: case for case in run["cases"]}


@pytest.fixture(scope="session")
def flushes(lab: Lab) -> dict[str, Any]:
    """The published table, and with the target that wants every flush itself."""
    words = ("--set", "segments=1024", "--set", "table=linear,linear+delay", "--storage", "ufs31")
    return lab("dm-flush", *ONCE, *words, kernel=(OLD, NEW))


def test_a_flush_once_to_each_device_is_thirtyfold_as_fast_as_to_each_target(
    flushes: dict[str, Any],
) -> None:
    old, new = (by_label(run)["1024 linear"] for run in flushes["runs"])
    rates = [case["metrics"]["throughput"]["median"] for case in (old, new)]
    assert rates[1] / rates[0] >= 30
    assert old["evidence"]["flushes_per_sync"] > 20
    assert 0 < new["evidence"]["flushes_per_sync"] <= 2
    assert [case["evidence"]["remaps_per_flush"] for case in (old, new)] == [1024, 1]
    told = [case for case in flushes["comparisons"][0]["cases"] if case["label"] == "1024 linear"]
    assert "Yang Yang" in told[0]["published"][0]["who"]


def test_one_target_that_wants_its_flush_takes_the_gain_away(flushes: dict[str, Any]) -> None:
    old, new = (by_label(run) for run in flushes["runs"])
    control = new["1024 linear+delay"]
    assert control["evidence"]["remaps_per_flush"] == 1025
    rate = control["metrics"]["throughput"]["median"]
    assert rate < 2 * old["1024 linear"]["metrics"]["throughput"]["median"]
    assert rate < new["1024 linear"]["metrics"]["throughput"]["median"] / 30


def test_xfs_has_large_folios_in_both_kernels(lab: Lab) -> None:
    words = ("--set", "size=1m", "--set", "total=16m", "--fs", "xfs", "--storage", "ufs21")
    for run in lab("folio-write", *ONCE, *words, kernel=(OLD, NEW))["runs"]:
        assert run["cases"][0]["evidence"]["folio_mean_bytes"] >= PAGE << 4


def test_f2fs_writes_single_pages_in_a_stock_kernel(lab: Lab) -> None:
    words = ("--set", "size=1m", "--set", "total=16m", "--fs", "f2fs", "--storage", "ufs21")
    (run,) = lab("folio-write", *ONCE, *words, kernel=(NEW,))["runs"]
    evidence = run["cases"][0]["evidence"]
    assert evidence["folio_mean_bytes"] == PAGE
    assert evidence["traced_folio_mean_bytes"] == PAGE


def test_verity_is_measured_at_every_use_bh_bytes(lab: Lab) -> None:
    words = ("--size", "8MiB", "--set", "total=2MiB", "--set", "tasklet=on", "--set", "cache=warm")
    axes = ("--set", "use_bh_bytes=as-is,0,1MiB", "--set", "pattern=random,sequential")
    (run,) = lab("dm-verity", *ONCE, *words, *axes, kernel=(NEW,))["runs"]
    assert len(run["cases"]) == 6
    for case in run["cases"]:
        assert (case["trials"], case["failed"], case["invalid"]) == (1, 0, 0), case
        assert case["evidence"]["hash_read_bytes"] == 0
        assert case["metrics"]["verity_ns_per_block"]["median"] > 0


def test_what_the_old_kernel_s_verity_lacks_is_a_skip(lab: Lab) -> None:
    words = ("--size", "4MiB", "--set", "total=1MiB", "--set", "tasklet=on", "--set", "cache=warm")
    (run,) = lab("dm-verity", *ONCE, *words, "--set=use_bh_bytes=as-is,0", kernel=(OLD,))["runs"]
    skips = [case["skipped"] for case in run["cases"] if case["skipped"]]
    assert len(skips) == 1
    assert "no use_bh_bytes" in skips[0]
