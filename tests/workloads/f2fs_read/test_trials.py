"""What f2fs-read makes of an Outcome."""

import errno
from collections.abc import Mapping
from pathlib import Path

import pytest

from loadstone.core.explain import explain, skipped
from loadstone.model import Case, CoreError, Finding, Histogram, Input, Outcome, Status, Value
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.f2fs_read.errors import RULES
from loadstone.workloads.f2fs_read.file import ReadFile
from loadstone.workloads.f2fs_read.trials import PreparedF2fsRead

F2FS = workload("f2fs-read")

FILE = ReadFile(
    path="/m/loadstone-read-1-a",
    bytes=64 << 20,
    checksums="sums",
    directory="/m",
    read_ahead_kb="/sys/block/loop9/queue/read_ahead_kb",
    samples=("/sys/dev/block/7:9/stat",),
    facts={"fs.loop_is_direct": True},
)
VALUES = {
    "file_bytes": 64 << 20,
    "cached_before_bytes": 0,
    "bytes": 1_000_000,
    "page_bytes": 4096,
    "folio_mean_bytes": 4096,
    "elapsed_ns": 2_000_000,
}
HISTOGRAM = Histogram(
    name="read", count=2000, min_ns=100, max_ns=900, sum_ns=1, buckets={100: 1900, 200: 90, 900: 10}
)


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(F2FS, [chosen])
    return case


def prepared(
    place: Path, *, why_not: Finding | None = None, facts: Mapping[str, Value] | None = None
) -> PreparedF2fsRead:
    file = ReadFile(
        path=FILE.path,
        bytes=FILE.bytes,
        checksums=FILE.checksums,
        directory=FILE.directory,
        read_ahead_kb=FILE.read_ahead_kb,
        samples=FILE.samples,
        facts=FILE.facts if facts is None else facts,
    )
    return PreparedF2fsRead(LocalTarget(place), Input(), file, why_not, changes=False)


def evaluated(place: Path, values: Mapping[str, int] | None = None, **chosen: Value) -> Finding:
    more = dict(values or {})
    sectors = more.pop("sectors", 4000)
    stat = FILE.samples[0]
    outcome = Outcome(
        values={**VALUES, **more},
        histograms=(HISTOGRAM,),
        before={stat: "9 0 1000 0 0 0 0 0 0 0 0", "/proc/stat": "cpu 100 0 100 7 5 1 2 9 0 0\n"},
        after={
            stat: f"9 0 {1000 + sectors} 0 0 0 0 0 0 0 0",
            "/proc/stat": "cpu 150 0 150 7 5 1 2 9 0 0\n",
        },
    )
    return prepared(place).evaluate(case_of(**chosen), outcome)


def test_figures_are_of_what_was_asked_and_evidence_of_what_it_took(place: Path) -> None:
    found = evaluated(place)
    assert (found.status, found.notes) == (Status.OK, ())
    assert found.metrics["throughput"] == 0.5
    assert found.metrics["amplification"] == 4000 * 512 / 1_000_000
    assert found.metrics["read_ns"] == 100
    assert found.evidence["cpu_s_per_gb"] == 1000
    assert found.evidence["folio_mean_bytes"] == 4096


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cached_before_bytes": 4096}, "not cold: data of the file were in the page cache"),
        ({"cached_before_bytes": -38}, "not known to be cold"),
        ({"sectors": 0}, "not cold: nothing was read of the device"),
    ],
)
def test_a_trial_that_was_not_cold_is_invalid(
    place: Path, values: dict[str, int], words: str
) -> None:
    found = evaluated(place, values)
    assert found.status is Status.INVALID
    assert words in (found.reason or "")
    assert found.remedy


def test_what_the_folios_were_is_told_where_it_is_not_as_asked_or_not_known(place: Path) -> None:
    (note,) = evaluated(place, immutable=True).notes
    assert "no large folio was read" in note
    assert evaluated(place, {"folio_mean_bytes": 1 << 18}, immutable=True).notes == ()
    for alone in ({"pattern": "random"}, {"read_ahead": 0}):
        assert evaluated(place, immutable=True, **alone).notes == ()
    (note,) = evaluated(place, {"folio_mean_bytes": -1}).notes
    assert "folio orders unknown" in note
    assert evaluated(place, {"folio_mean_bytes": -1}, io="direct").notes == ()


def test_what_is_not_known_is_told(place: Path) -> None:
    outcome = Outcome(values=VALUES, histograms=(HISTOGRAM,))
    found = prepared(place, facts={"fs.loop_is_direct": False}).evaluate(case_of(), outcome)
    assert "amplification" not in found.metrics
    assert "cpu_busy_ns" not in found.evidence
    assert "through the page cache" in found.notes[0]
    assert "it counts nothing" in found.notes[1]


def test_an_immutable_case_alone_is_skipped_where_none_can_be(place: Path) -> None:
    why_not = skipped("no right", "be root")
    cases = [case_of(immutable=one) for one in (False, True)]
    assert [prepared(place, why_not=why_not).skip_reason(one) for one in cases] == [None, why_not]
    found = prepared(place).skip_reason(case_of(total=(64 << 20) + 4096, block=4096))
    assert found is not None
    assert "more than the file has" in (found.reason or "")


@pytest.mark.parametrize(
    ("code", "step", "status", "words"),
    [
        (errno.EBADMSG, "verify", Status.FAILED, "wrong data: /m/x at 1048576 is not what"),
        (errno.EPERM, "FS_IOC_SETFLAGS", Status.SKIPPED, "root's to give"),
        (errno.ENOTTY, "FS_IOC_GETFLAGS", Status.SKIPPED, "no immutable attribute here"),
        (errno.EROFS, "drop_caches", Status.SKIPPED, "none is dropped here"),
        (errno.EINVAL, "direct alignment", Status.SKIPPED, "no direct reads of 131072 bytes"),
    ],
)
def test_each_error_has_a_meaning_and_a_remedy(
    code: int, step: str, status: Status, words: str
) -> None:
    error = CoreError(code=code, step=step, path="/m/x", offset=1 << 20)
    found = explain(error, case_of().parameters, RULES)
    assert found.status is status
    assert words in (found.reason or "")
    assert found.remedy
