"""Operation calibrate: each effect does the work it is named for, and leaves nothing behind."""

import os
from pathlib import Path

import pytest

from loadstone.core import native
from loadstone.model import Job
from native import places
from native.programs import Answer, Program

pytestmark = pytest.mark.native

_EFFECTS = (
    "memcpy",
    "memset",
    "kernel-copy",
    "syscall",
    "minor-fault",
    "thp-fault",
    "context-switch",
    "clock-read",
    "write",
    "read-pread",
    "read-mmap",
)
_BATCHES = 3


def _calibrate(program: Program, directory: Path, effect: str, **options: object) -> Answer:
    file = directory / "loadstone-calibration"
    answer = program.run("calibrate", effect=effect, file=file, batches=_BATCHES, **options)
    assert not list(directory.glob("loadstone-*"))
    if answer.failure and answer.failure.step in ("huge pages", "MADV_HUGEPAGE", "huge page fault"):
        pytest.skip("needs huge pages: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
    return answer


@pytest.mark.parametrize("effect", _EFFECTS)
@pytest.mark.parametrize("count", [2, 4])
def test_every_effect_is_counted_and_timed(
    sanitized: Program, tmp_path: Path, effect: str, count: int
) -> None:
    answer = _calibrate(sanitized, tmp_path, effect, count=count)
    assert answer.failure is None
    values = answer.values
    assert (values["batch_count"], values["count"]) == (count, count * _BATCHES)
    assert 0 < values["best_ns"] * _BATCHES <= values["elapsed_ns"]
    assert answer.spans == _BATCHES


@pytest.mark.parametrize("effect", ["context-switch", "memcpy", "write"])
def test_no_effect_races(thread_sanitized: Program, tmp_path: Path, effect: str) -> None:
    assert _calibrate(thread_sanitized, tmp_path, effect, count=2).failure is None


def test_each_fresh_page_is_one_fault(job: Program, tmp_path: Path) -> None:
    values = _calibrate(job, tmp_path, "minor-fault", count=1000).values
    assert _BATCHES * 1000 <= values["minor_faults"] <= _BATCHES * 1000 + 100


def test_each_huge_page_is_one_fault(job: Program, tmp_path: Path) -> None:
    values = _calibrate(job, tmp_path, "thp-fault", count=32).values
    assert 0 < values["minor_faults"] <= 32 * _BATCHES / 2 + 50


def test_each_byte_that_comes_back_took_two_switches(job: Program, tmp_path: Path) -> None:
    values = _calibrate(job, tmp_path, "context-switch", count=1000).values
    switches = values["voluntary_switches"] + values["involuntary_switches"]
    assert switches >= 0.95 * _BATCHES * 1000


def test_work_that_is_pinned_leaves_its_thread_free() -> None:
    """A core that calls in this process may not find it pinned afterwards."""
    before = os.sched_getaffinity(0)
    options = {"effect": "context-switch", "count": "2"}
    assert native.run_job(Job(operation="calibrate", options=options)).error is None
    assert os.sched_getaffinity(0) == before


def test_more_work_takes_longer(job: Program, tmp_path: Path) -> None:
    """Were a loop left out by the compiler, a hundredfold count would cost the same."""
    for effect, count in (("memcpy", 1), ("memset", 1), ("syscall", 500), ("clock-read", 2000)):
        few, many = (
            _calibrate(job, tmp_path, effect, count=count * times).values["best_ns"]
            for times in (1, 100)
        )
        assert many > 5 * few, effect


@pytest.mark.parametrize("size", [64, 4096, 4097, 1 << 20, 3 << 20])
def test_a_file_is_written_in_any_size(sanitized: Program, tmp_path: Path, size: int) -> None:
    assert _calibrate(sanitized, tmp_path, "write", count=3, size=size).failure is None


@pytest.mark.parametrize(
    ("options", "step", "path"),
    [
        ({"effect": "write", "size": 0}, "option", "size"),
        ({"effect": "write", "count": 1, "size": (1 << 20) + 1}, "option", "size"),
        ({"effect": "memcpy", "count": 1 << 20}, "option", "count"),
        ({"effect": "syscall", "count": 1 << 40}, "option", "count"),
        ({"effect": "syscall", "batches": 0}, "option", "batches"),
    ],
)
def test_what_is_out_of_range_is_named(
    sanitized: Program, tmp_path: Path, options: dict[str, object], step: str, path: str
) -> None:
    failure = sanitized.run("calibrate", file=tmp_path / "loadstone-x", **options).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.path) == ("ERANGE", step, path)


@pytest.mark.parametrize("effect", ["write", "read-pread", "read-mmap"])
def test_a_file_that_is_there_is_not_touched(
    sanitized: Program, tmp_path: Path, effect: str
) -> None:
    file = tmp_path / "loadstone-x"
    file.write_text("mine")
    failure = sanitized.run("calibrate", effect=effect, file=file).failure
    assert failure is not None
    assert (failure.code, failure.step, failure.path) == ("EEXIST", "create", str(file))
    assert file.read_text() == "mine"


@pytest.mark.root
def test_a_full_file_system_is_an_error_at_its_offset(sanitized: Program, tmp_path: Path) -> None:
    with places.tiny_tmpfs(tmp_path, 2 << 20) as place:
        answer = _calibrate(sanitized, place, "write", count=4, size=65536)
        assert answer.failure is not None
        assert (answer.failure.code, answer.failure.step) == ("ENOSPC", "write")
        assert 0 < answer.failure.offset <= 2 << 20


@pytest.mark.parametrize("limit", range(5, 9))
def test_few_descriptors_are_an_error_or_enough(
    sanitized: Program, tmp_path: Path, limit: int
) -> None:
    program = sanitized.under("prlimit", f"--nofile={limit}")
    failure = _calibrate(program, tmp_path, "context-switch", count=2).failure
    assert failure is None or (failure.code, failure.step) == ("EMFILE", "pipe")
