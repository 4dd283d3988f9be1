"""What the lab is for, in guests: dma-bufs, overlap, repeatability, and an A/B of kernels."""

import re
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import loadstone
from lab.laboratory import NEW, OLD, Lab
from loadstone.lab.protocol import CALIBRATED, EARLIER_BOOT
from loadstone.model import Run, Status

pytestmark = pytest.mark.lab

PLANS = Path(__file__).parents[2] / "docs" / "plans"


def cases(said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {case["label"]: case for case in said["runs"][0]["cases"]}


@pytest.fixture(scope="session")
def heaps(lab: Lab) -> dict[str, dict[str, Any]]:
    """Every engine into every sort of dma-buf, by label."""
    words = ("--rounds", "1", "--warmups", "0", "--size", "16MiB", "--storage", "ufs40")
    return cases(lab(PLANS / "heaps.toml", *words))


@pytest.mark.parametrize(
    "label",
    [
        "mmap-copy → dma-heap:system 1MiB",
        "pread buffered → dma-heap:system 1MiB",
        "uring buffered → dma-heap:system 1MiB×8",
        "mmap-copy → udmabuf 1MiB",
        "pread buffered → udmabuf 1MiB",
        "pread direct → udmabuf 1MiB",
        "uring direct → udmabuf 1MiB×8",
        "uring direct → udmabuf 1MiB×8 overlap 8MiB",
        "sendfile buffered → udmabuf 1MiB",
        "sendfile direct → udmabuf 1MiB",
        "splice buffered → udmabuf 1MiB",
    ],
)
def test_a_model_arrives_in_a_dma_buf_byte_for_byte(
    heaps: dict[str, dict[str, Any]], label: str
) -> None:
    case = heaps[label]
    assert case["parameters"]["verify"] == "full"
    assert (case["trials"], case["failed"], case["invalid"]) == (1, 0, 0)
    assert case["evidence"]["verified_bytes"] == 16 << 20


def test_the_program_s_own_pages_are_not_read_amid_the_timed_region(
    heaps: dict[str, dict[str, Any]],
) -> None:
    """Dropped with the caches they would come from the host, for which a guest's clock leaps."""
    direct = [case for label, case in heaps.items() if case["trials"] and "direct" in label]
    assert len(direct) >= 4
    assert {case["evidence"]["major_faults"] for case in direct} == {0}


def test_a_mapping_is_copied_in_the_order_that_read_ahead_follows(
    heaps: dict[str, dict[str, Any]],
) -> None:
    """A profile's read-ahead is 128 KiB; copied from each block's end it was 240 faults."""
    assert heaps["mmap-copy → dma-heap:system 1MiB"]["evidence"]["major_faults"] <= 16


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("pread direct → dma-heap:system 1MiB", "VM_PFNMAP.*EFAULT"),
        ("uring direct → dma-heap:system 1MiB×8", "VM_PFNMAP.*EFAULT"),
        ("copy-range direct → dma-heap:system 1MiB", "copy_file_range.*EINVAL"),
        ("sendfile buffered → dma-heap:system 1MiB", "sendfile.*EINVAL"),
        ("heap-alloc-and-read direct → dma-heap:system 1MiB", "posted ioctl.*EINVAL"),
        ("heap-alloc-file direct → dma-heap:system 1MiB", "posted ioctl.*EINVAL"),
        ("dmabuf-rw-file direct → dma-heap:system 1MiB", "posted ioctl.*ENOTTY"),
    ],
)
def test_what_a_stock_kernel_refuses_is_a_skip_that_says_why(
    heaps: dict[str, dict[str, Any]], label: str, reason: str
) -> None:
    assert heaps[label]["trials"] == 0
    assert re.search(reason, heaps[label]["skipped"])


def test_overlap_hides_some_of_what_the_device_makes_one_wait_for(lab: Lab) -> None:
    """On one CPU, which faults and copies for the device too: a few percent, not a third."""
    words = ("--set", "engine=pread", "--set", "destination=udmabuf", "--storage", "ufs21")
    chunks = ("--set", "overlap=0,2m")
    found = cases(lab(*words, *chunks, "--rounds", "2", "--warmups", "0", "--size", "64MiB"))
    serial = found["pread direct → udmabuf 1MiB"]["metrics"]["throughput"]["median"]
    overlapped = found["pread direct → udmabuf 1MiB overlap 2MiB"]["metrics"]["throughput"]
    assert overlapped["median"] / serial > 1.02


@pytest.fixture(scope="session")
def twins(lab: Lab) -> tuple[dict[str, Any], list[Run]]:
    """The same kernel twice: a boot each, Cases that the CPU or the device bounds.

    Seven rounds: of five, one that waited for the host carries the median's interval along.
    """
    words = ("--set", "engine=pread,mmap-copy", "--set", "io=buffered", "--size", "32MiB")
    said = lab(
        *words, "--set", "cache=warm,cold", "--storage", "ufs21", "--rounds", "7", kernel=(NEW, NEW)
    )
    runs = [loadstone.load(run["run"], results=lab.command.results) for run in said["runs"]]
    return said, runs


def spread(runs: list[Run], label: str) -> float:
    """(max − min) ÷ median of ``ready_ns`` over all boots."""
    values = defaultdict(list)
    for run in runs:
        labels = {case.id: case.label for case in run.manifest.plan.cases}
        for trial in run.trials:
            if trial.status is Status.OK and not trial.warmup:
                values[labels[trial.case]].append(trial.metrics["ready_ns"])
    assert len(values[label]) == 14
    return (max(values[label]) - min(values[label])) / median(values[label])


@pytest.mark.parametrize("label", ["pread buffered → anon 1MiB warm", "mmap-copy → anon 1MiB warm"])
def test_cpu_bound_figures_repeat_within_and_across_boots(
    twins: tuple[dict[str, Any], list[Run]], label: str
) -> None:
    assert spread(twins[1], label) <= 0.01


def test_the_same_kernel_twice_is_called_the_same(
    twins: tuple[dict[str, Any], list[Run]],
) -> None:
    (comparison,) = twins[0]["comparisons"]
    assert {case["verdict"] for case in comparison["cases"]} == {"same"}
    assert len(comparison["cases"]) == 4


def test_a_run_brought_back_tells_of_its_guest(
    twins: tuple[dict[str, Any], list[Run]], lab: Lab
) -> None:
    said, (run, other) = twins
    facts = run.manifest.environment.facts
    assert run.manifest.environment.target == f"lab:{facts['kernel.release']}"
    assert facts["clock.name"] == "instructions"
    assert facts["lab.kernel"] == NEW
    assert str(facts["lab.package"]).startswith("linux-image-7")
    assert facts["storage.profile"] == "ufs21"
    assert facts["storage.completion_nsec"] == 100_000
    assert facts["fs.type"] == "ext4"
    assert float(facts["calibration.syscall_ns"] or 0) > 0
    assert facts["kernel.boot_id"] != other.manifest.environment.facts["kernel.boot_id"]
    assert said["runs"][0]["clock"]["name"] == "instructions"
    shown = lab.command("show", run.id)
    assert "counted instructions" in shown.out
    assert shown.code == 0
    refused = lab.command("resume", run.id)
    assert refused.code == 2
    assert "existed for that run alone" in refused.complaint


def test_a_later_boot_of_the_same_sort_says_that_its_calibration_was_kept(
    twins: tuple[dict[str, Any], list[Run]],
) -> None:
    first, second = (run.manifest.environment.facts for run in twins[1])
    assert second[CALIBRATED] == EARLIER_BOOT
    measured = {name: first[name] for name in first if name.startswith("calibration.")}
    del measured[CALIBRATED]
    assert len(measured) == 6
    assert measured == {name: second[name] for name in measured}


def test_large_folios_make_buffered_writes_of_7_faster_than_those_of_6_1(lab: Lab) -> None:
    words = ("folio-write", "--set", "size=4k,1m", "--set", "total=64MiB", "--rounds", "6")
    said = lab(*words, "--storage", "ufs21", kernel=(OLD, NEW))
    (comparison,) = said["comparisons"]
    large = next(case for case in comparison["cases"] if "1MiB" in case["label"])
    assert large["verdict"] == "faster"
    # The article's headline: buffered write +50.8 %.
    assert large["low"] >= 1.508
    old, new = (
        next(case["evidence"] for case in run["cases"] if "1MiB" in case["label"])
        for run in said["runs"]
    )
    assert old["folio_mean_bytes"] == 4096
    assert new["folio_mean_bytes"] >= 4096 << 4
    # The later kernel's tracepoint tells the order as well.
    assert new["traced_folio_mean_bytes"] >= 4096 << 4
    # Later 6.1 have the field too.
    assert old["traced_folio_mean_bytes"] in (-1, 4096)
