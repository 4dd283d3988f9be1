"""The headlines of flushes, folios and verity, before and after, by counted instructions."""

from typing import Any

import pytest

from lab.laboratory import NEW, OLD, Lab

pytestmark = pytest.mark.lab

ONCE = ("--rounds", "1", "--warmups", "0")
PAGE = 4096


def by_label(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {case["label"]: case for case in run["cases"]}


@pytest.fixture(scope="session")
def flushes(lab: Lab) -> dict[str, Any]:
    """The published table, and with the target that wants every flush itself."""
    words = ("--set", "segments=1024", "--set", "table=linear,linear+delay", "--storage", "nvme")
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


@pytest.fixture(scope="session")
def folios(lab: Lab) -> dict[str, Any]:
    """By calls and as the talk did it, by file system, each on a loop device of the guest's own."""
    words = ("--set", "fs=xfs,f2fs", "--set", "engine=pwrite,uring", "--set", "size=64k")
    return lab(
        "folio-write", *ONCE, *words, "--set", "total=16m", "--storage", "ufs21", kernel=(OLD, NEW)
    )


def folios_on(run: dict[str, Any], fs: str, witness: str) -> set[float]:
    """Their mean sizes, by both engines."""
    cases = [case for case in run["cases"] if case["parameters"]["fs"] == fs]
    assert {case["parameters"]["engine"] for case in cases} == {"pwrite", "uring"}
    return {case["evidence"][f"{witness}_mean_bytes"] for case in cases}


def test_xfs_takes_writes_in_large_folios_on_the_later_kernel(folios: dict[str, Any]) -> None:
    """Both witnesses say so: 6.1 had them for reads, not yet for writes."""
    old, new = folios["runs"]
    assert folios_on(old, "xfs", "folio") == {PAGE}
    assert folios_on(old, "xfs", "traced_folio") <= {-1, PAGE}
    assert min(folios_on(new, "xfs", "folio") | folios_on(new, "xfs", "traced_folio")) >= PAGE << 3


def test_f2fs_writes_single_pages_in_both(folios: dict[str, Any]) -> None:
    """A stock kernel's has large folios for reads of immutable files alone."""
    old, new = folios["runs"]
    assert folios_on(old, "f2fs", "folio") == folios_on(new, "f2fs", "folio") == {PAGE}
    assert folios_on(new, "f2fs", "traced_folio") == {PAGE}
    cases = folios["comparisons"][0]["cases"]
    (talk,) = (case for case in cases if case["label"] == "64KiB×16 fresh uring of 16MiB on f2fs")
    assert [one["title"] for one in talk["published"] if "(vivo)" in one["who"]]


def test_verity_is_measured_at_every_use_bh_bytes_that_the_kernel_has(lab: Lab) -> None:
    words = ("--size", "8MiB", "--set", "total=2MiB", "--set", "tasklet=on", "--set", "cache=warm")
    axes = ("--set", "use_bh_bytes=as-is,0,1MiB", "--set", "pattern=random,sequential")
    old, new = lab("dm-verity", *ONCE, *words, *axes, kernel=(OLD, NEW))["runs"]
    assert len(new["cases"]) == 6
    for case in (*new["cases"], *(one for one in old["cases"] if not one["skipped"])):
        assert (case["trials"], case["failed"], case["invalid"]) == (1, 0, 0), case
        assert case["evidence"]["hash_read_bytes"] == 0
        assert case["metrics"]["verity_ns_per_block"]["median"] > 0
    skips = [one["skipped"] for one in old["cases"] if one["skipped"]]
    assert len(skips) == 4
    assert all("no use_bh_bytes" in skip for skip in skips)
