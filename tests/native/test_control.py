"""Operation control: the same small work each time, of processor, memory and device."""

import errno
from pathlib import Path

import pytest

from loadstone.core import native
from loadstone.model import Job, Outcome
from native.programs import Program

pytestmark = pytest.mark.native

MIB = 1 << 20


def control(**options: object) -> Outcome:
    texts = {name.replace("_", "-"): str(value) for name, value in options.items()}
    return native.run_job(Job(operation="control", options=texts))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two units to read."""
    path = tmp_path / "file"
    path.write_bytes(bytes(2 * MIB))
    return path


def read_or_skip(**options: object) -> Outcome:
    outcome = control(**options)
    if outcome.error is not None and outcome.error.code == errno.EOPNOTSUPP:
        pytest.skip("needs a file system with O_DIRECT: set TMPDIR to a directory on a disk")
    assert outcome.error is None, outcome.error
    return outcome


def test_each_control_has_its_time_and_its_units(file: Path) -> None:
    values = read_or_skip(file=file).values
    for name, least_ms in (("cpu", 10), ("memory", 10), ("read", 20)):
        assert values[f"{name}_ns"] >= least_ms * 1_000_000
        assert values[f"{name}_units"] >= 1


def test_more_time_is_more_units(file: Path) -> None:
    short, long = (read_or_skip(file=file, cpu_ms=ms).values["cpu_units"] for ms in (0, 50))
    assert short == 1
    assert long > 10


def test_more_is_read_than_the_file_has(file: Path) -> None:
    assert read_or_skip(file=file, read_ms=200).values["read_units"] > 2


def test_without_a_file_nothing_is_read() -> None:
    values = control(cpu_ms=0, memory_ms=0).values
    assert sorted(values) == ["cpu_ns", "cpu_units", "memory_ns", "memory_units"]


def test_a_file_of_less_than_a_unit_is_refused(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(MIB - 1))
    error = control(file=small).error
    assert error is not None
    assert (error.code, error.step, error.path) == (errno.ENODATA, "stat", str(small))


@pytest.mark.parametrize("option", ["cpu-ms", "memory-ms", "read-ms"])
def test_no_control_takes_longer_than_a_second(option: str) -> None:
    error = control(**{option: 1001}).error
    assert error is not None
    assert (error.code, error.step, error.path) == (errno.ERANGE, "option", option)


def test_under_sanitizers(sanitized: Program, file: Path) -> None:
    failure = sanitized.run("control", file=str(file)).failure
    assert failure is None or failure.code == "EOPNOTSUPP"
