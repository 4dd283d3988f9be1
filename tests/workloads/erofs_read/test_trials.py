"""What erofs-read makes of an Outcome."""

import contextlib
import errno
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from loadstone.core.explain import skipped
from loadstone.model import Case, CoreError, Finding, Histogram, Input, Outcome, Status, Value
from loadstone.provision.journal import Journal
from loadstone.provision.kernel_module import KernelModule
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.erofs_read.images import Image, MountSpec
from loadstone.workloads.erofs_read.reserve import Reserve
from loadstone.workloads.erofs_read.trials import PreparedErofs

EROFS = workload("erofs-read")

IMAGE = Image(
    device="/dev/loop9",
    number="7:9",
    bytes=30 << 20,
    is_direct=True,
    file="text",
    file_bytes=64 << 20,
)
VALUES = {
    "file_bytes": 64 << 20,
    "allocated_bytes": 16 << 20,
    "cached_before_bytes": 0,
    "bytes": 1_000_000,
    "page_bytes": 4096,
    "elapsed_ns": 2_000_000,
}
HISTOGRAM = Histogram(
    name="read", count=2000, min_ns=100, max_ns=900, sum_ns=1, buckets={100: 1900, 200: 90, 900: 10}
)
_STAT = "/sys/dev/block/7:9/stat"


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(EROFS, [chosen])
    return case


def prepared(
    place: Path,
    case: Case,
    image: Image | Finding,
    checksums: str = "sums",
    refusals: Mapping[int, Finding] | None = None,
) -> PreparedErofs:
    return PreparedErofs(
        LocalTarget(place),
        Input(),
        Journal(place),
        place,
        {MountSpec.of(case.parameters): image},
        checksums,
        {},
        contextlib.ExitStack(),
        Reserve(KernelModule(Journal(place), "erofs", contextlib.ExitStack()), refusals or {}),
    )


def texts(sectors: int, pages: int, ticks: int) -> Mapping[str, str]:
    return {
        _STAT: f"9 0 {sectors} 0 0 0 0 0 0 0 0",
        "/proc/vmstat": f"nr_free_pages 1\nnr_file_pages {pages}\n",
        "/proc/stat": f"cpu {ticks} 0 {ticks} 77 5 1 2 9 0 0\n",
    }


def evaluated(
    place: Path, values: Mapping[str, int] | None = None, checksums: str = "sums"
) -> Finding:
    more = dict(values or {})
    sectors = more.pop("sectors", 4000)
    outcome = Outcome(
        values={**VALUES, **more},
        histograms=(HISTOGRAM,),
        before=texts(1000, 10, 100),
        after=texts(1000 + sectors, 30, 150),
    )
    case = case_of(trace="traced_calls" in more)
    return prepared(place, case, IMAGE, checksums).evaluate(case, outcome)


def test_figures_are_of_what_was_asked_and_evidence_of_what_it_took(place: Path) -> None:
    found = evaluated(place)
    assert found.status is Status.OK
    assert found.notes == ()
    assert found.metrics == {
        "throughput": 0.5,
        "amplification": 4000 * 512 / 1_000_000,
        "read_ns": 100,
        "read_p99_ns": pytest.approx(200, rel=0.01),
        "read_p999_ns": pytest.approx(900, rel=0.01),
    }
    evidence = found.evidence
    assert evidence["stored_ratio"] == 0.25
    assert evidence["held_bytes"] == 20 * 4096
    assert evidence["cpu_busy_ns"] == 1e9
    assert evidence["cpu_s_per_gb"] == 1000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cached_before_bytes": 4096}, "not cold: data of the file were in the page cache"),
        ({"cached_before_bytes": -38}, "not known to be cold"),
        ({"sectors": 0}, "not cold: nothing was read of the device"),
        ({"pressure_killed_by": 9}, "the process that held it was killed meanwhile (signal 9"),
        (
            {"traced_calls": 1, "traced_calls_ns": 5, "traced_missed": 3},
            "the kernel lost 3 ends of calls",
        ),
    ],
)
def test_a_trial_that_was_not_as_its_case_says_is_invalid(
    place: Path, values: dict[str, int], words: str
) -> None:
    found = evaluated(place, values)
    assert found.status is Status.INVALID
    assert words in (found.reason or "")
    assert found.remedy


def test_what_was_traced_is_a_figure(place: Path) -> None:
    found = evaluated(place, {"traced_calls": 7, "traced_calls_ns": 9000, "traced_missed": 0})
    assert found.status is Status.OK
    assert found.metrics["allocation_ns"] == 9000
    case = case_of(trace=True, available=9 << 20, reserved_pages=64)
    assert case.label == "lz4 4KiB sequential 64 pages reserved 9MiB available traced"


def test_a_case_of_before_there_was_a_reserve_is_read_as_it_was(place: Path) -> None:
    case = case_of()
    old = {"reserved_pages", "available", "trace"}
    kept = {name: value for name, value in case.parameters.items() if name not in old}
    before = msgspec.structs.replace(case, parameters=kept)
    assert Case.of(case.workload, case.label, kept, ()).id == case.id
    why = skipped("none", "some")
    assert prepared(place, before, IMAGE).skip_reason(before) is None
    assert prepared(place, before, IMAGE, refusals={64: why}).skip_reason(before) is None
    reserved = case_of(reserved_pages=64)
    assert prepared(place, reserved, IMAGE, refusals={64: why}).skip_reason(reserved) == why


def test_what_lies_in_another_inode_has_no_ratio_of_its_own(place: Path) -> None:
    assert "stored_ratio" not in evaluated(place, {"allocated_bytes": 0}).evidence


def test_what_is_not_known_is_told(place: Path) -> None:
    (note,) = evaluated(place, checksums="").notes
    assert "not verified" in note
    case, outcome = case_of(), Outcome(values=VALUES, histograms=(HISTOGRAM,))
    image = msgspec.structs.replace(IMAGE, is_direct=False)
    found = prepared(place, case, image).evaluate(case, outcome)
    assert "amplification" not in found.metrics
    assert {"held_bytes", "cpu_busy_ns"}.isdisjoint(found.evidence)
    assert "through the page cache" in found.notes[0]
    assert "it counts nothing" in found.notes[1]


def test_more_than_the_file_has_is_a_skip(place: Path) -> None:
    case = case_of(total=(64 << 20) + 4096, block=4096)
    found = prepared(place, case, IMAGE).skip_reason(case)
    assert found is not None
    assert "more than the file has, which is read: 67108864 bytes" in (found.reason or "")
    assert "--set total=64MiB or less" in (found.remedy or "")
    case = case_of()
    assert prepared(place, case, IMAGE).skip_reason(case) is None
    why = skipped("no image", "make one")
    assert prepared(place, case, why).skip_reason(case) == why


@pytest.mark.parametrize(
    ("code", "step", "words"),
    [
        (errno.EIO, "read", "the image is corrupt, or the disk below it failed: read"),
        (errno.EUCLEAN, "read back", "the image is corrupt"),
        (errno.EBADMSG, "verify", "wrong data: /m/text at 1048576 is not what"),
    ],
)
def test_data_that_cannot_be_had_or_are_wrong_are_failures(
    place: Path, code: int, step: str, words: str
) -> None:
    case = case_of()
    error = CoreError(code=code, step=step, path="/m/text", offset=1 << 20)
    found = prepared(place, case, IMAGE).evaluate(case, Outcome(error=error))
    assert found.status is Status.FAILED
    assert words in (found.reason or "")
    assert "1048576" in (found.reason or "")
    assert found.remedy


@pytest.mark.parametrize(
    ("code", "step", "words"),
    [
        (errno.ENODEV, "trace calls", "no kprobes for perf"),
        (errno.ENOENT, "trace calls", "no function of that name"),
        (errno.EPERM, "trace calls", "may not trace the kernel"),
        (errno.ENOMEM, "lock memory", "memory cannot be held and locked"),
    ],
)
def test_what_this_kernel_or_user_may_not_is_a_skip(
    place: Path, code: int, step: str, words: str
) -> None:
    case = case_of(trace=True)
    error = CoreError(code=code, step=step, path="__erofs_allocpage", offset=-1)
    found = prepared(place, case, IMAGE).evaluate(case, Outcome(error=error))
    assert found.status is Status.SKIPPED
    assert words in (found.reason or "")
    assert found.remedy
