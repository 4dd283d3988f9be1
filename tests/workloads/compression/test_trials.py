"""What compression makes of an Outcome."""

import contextlib
import errno
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from loadstone.core.explain import skipped
from loadstone.model import Case, CoreError, Finding, Histogram, Input, Outcome, Status, Value
from loadstone.provision.compressed_file import CompressedFile, Making
from loadstone.provision.image_source import Source
from loadstone.provision.journal import Journal
from loadstone.targets.local import LocalTarget
from loadstone.workloads import make_cases, workload
from loadstone.workloads.compression.trials import PreparedCompression, spec_of

COMPRESSION = workload("compression")


def case_of(**chosen: Value) -> Case:
    (case,), _ = make_cases(COMPRESSION, [chosen])
    return case


F2FS = case_of(file_system="f2fs")
FILE = CompressedFile(
    spec=spec_of(F2FS),
    device="/dev/loop9",
    number="7:9",
    name="loadstone-file",
    bytes=64 << 20,
    making=Making(
        stored_bytes=48 << 20,
        elapsed_ns=2_000_000,
        cpu_ns=float(64 << 20),
        written_bytes=float(112 << 20),
        saved_blocks=4096,
    ),
    is_direct=True,
    maker="mkfs.f2fs 1.15.0",
)
VALUES = {
    "cached_before_bytes": 0,
    "bytes": 1_000_000,
    "page_bytes": 4096,
    "elapsed_ns": 2_000_000,
}
HISTOGRAM = Histogram(
    name="read", count=2000, min_ns=100, max_ns=900, sum_ns=1, buckets={100: 1900, 200: 90, 900: 10}
)


def prepared(
    place: Path, file: CompressedFile | Finding = FILE, case: Case = F2FS
) -> PreparedCompression:
    return PreparedCompression(
        LocalTarget(place),
        Input(),
        Journal(place),
        place,
        {spec_of(case): file},
        Source(tree=place, is_image=False, bytes=64 << 20, checksums="sums", crc32c=0xABC),
        contextlib.ExitStack(),
    )


def texts(sectors: int, ticks: int) -> Mapping[str, str]:
    return {
        "/sys/dev/block/7:9/stat": f"9 0 {sectors} 0 0 0 0 0 0 0 0",
        "/proc/stat": f"cpu {ticks} 0 {ticks} 77 5 1 2 9 0 0\n",
    }


def evaluated(place: Path, sectors: int = 4000, file: CompressedFile = FILE) -> Finding:
    outcome = Outcome(
        values=VALUES,
        histograms=(HISTOGRAM,),
        before=texts(1000, 100),
        after=texts(1000 + sectors, 150),
    )
    return prepared(place, file).evaluate(F2FS, outcome)


def test_a_trial_has_what_was_read_and_what_it_took_to_store_the_file(place: Path) -> None:
    found = evaluated(place)
    assert found.status is Status.OK
    assert found.notes == ()
    assert found.metrics == {
        "throughput": 0.5,
        "amplification": 4000 * 512 / 1_000_000,
        "read_ns": 100,
        "read_p99_ns": pytest.approx(200, rel=0.01),
        "read_p999_ns": pytest.approx(900, rel=0.01),
        "stored_ratio": 0.75,
    }
    evidence = found.evidence
    assert evidence["cpu_s_per_gb"] == 1000
    assert evidence["store_ns"] == 2_000_000
    assert evidence["store_cpu_s_per_gb"] == 1
    assert evidence["written_ratio"] == 1.75
    assert evidence["saved_blocks"] == 4096


def test_what_an_image_was_not_written_through_is_not_made_up(place: Path) -> None:
    making = Making(stored_bytes=1 << 20, elapsed_ns=1, cpu_ns=None)
    file = msgspec.structs.replace(FILE, making=making, is_direct=False)
    found = evaluated(place, file=file)
    assert {"written_bytes", "written_ratio", "saved_blocks"}.isdisjoint(found.evidence)
    assert "store_cpu_s_per_gb" not in found.evidence
    assert "through the page cache" in found.notes[0]


def test_a_device_that_read_nothing_was_not_cold(place: Path) -> None:
    found = evaluated(place, sectors=0)
    assert found.status is Status.INVALID
    assert "nothing was read of the device" in (found.reason or "")


def test_facts_name_the_programs_that_made_what_could_be_made(place: Path) -> None:
    assert prepared(place).facts == {
        "file.bytes": 64 << 20,
        "file.crc32c": "00000abc",
        "f2fs.mkfs": "mkfs.f2fs 1.15.0",
    }
    assert "f2fs.mkfs" not in prepared(place, skipped("no F2FS", "take a kernel with it")).facts


def test_more_than_the_file_has_is_a_skip(place: Path) -> None:
    case = case_of(file_system="f2fs", total=(64 << 20) + 4096, block=4096)
    found = prepared(place, case=case).skip_reason(case)
    assert found is not None
    assert "more than the file has: 67108864 bytes" in (found.reason or "")
    assert "--set total=64MiB or less" in (found.remedy or "")
    assert prepared(place).skip_reason(F2FS) is None
    why = skipped("no image", "make one")
    assert prepared(place, why).skip_reason(F2FS) == why


@pytest.mark.parametrize(
    ("code", "step", "words"),
    [
        (errno.EIO, "read", "the image is corrupt, or the disk below it failed: read"),
        (errno.EBADMSG, "verify", "wrong data: /m/text at 1048576 is not what was stored"),
    ],
)
def test_data_that_cannot_be_had_or_are_wrong_are_failures(
    place: Path, code: int, step: str, words: str
) -> None:
    error = CoreError(code=code, step=step, path="/m/text", offset=1 << 20)
    found = prepared(place).evaluate(F2FS, Outcome(error=error))
    assert found.status is Status.FAILED
    assert words in (found.reason or "")
    assert found.remedy


def test_a_page_that_cannot_be_had_is_a_failure(place: Path) -> None:
    found = prepared(place).evaluate(F2FS, Outcome(crash="killed by SIGBUS"))
    assert found.status is Status.FAILED
    assert "a page of the file could not be read" in (found.reason or "")
