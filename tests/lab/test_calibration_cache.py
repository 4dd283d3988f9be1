"""A calibration is cached for guests like the one that measured it, and for no others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.archive import write_image
from loadstone.lab.calibration_cache import cached_calibration, calibration_file, store_calibration
from loadstone.lab.kernels import Kernel
from loadstone.lab.machine import ClockKind, Machine, make_machine
from loadstone.lab.protocol import CALIBRATED, EARLIER_BOOT, THIS_BOOT

GIB = 1 << 30
MACHINE = make_machine(ClockKind.INSTRUCTIONS, GIB, "x86_64")
MEASURED = {"calibration.syscall_ns": 346.5, "calibration.memcpy_ns_per_mib": 98_350.0}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    path = tmp_path / "cache"
    monkeypatch.setenv("LOADSTONE_CACHE", str(path))
    return path


@pytest.fixture
def kernel(tmp_path: Path) -> Callable[[str], Kernel]:
    """Makes a kernel whose image holds a release."""

    def make(release: str) -> Kernel:
        image = write_image(tmp_path / "vmlinuz", release)
        return Kernel(
            name="mine", release="6.1.0", image=image, modules=None, architecture="x86_64"
        )

    return make


def machine(**changes: object) -> Machine:
    words = {"clock": ClockKind.INSTRUCTIONS, "memory_bytes": GIB, "architecture": "x86_64"}
    return make_machine(**(words | changes))  # type: ignore[arg-type] # of a dict


def test_what_a_guest_measured_is_known_to_the_next(kernel: Callable[[str], Kernel]) -> None:
    file = calibration_file(kernel("6.1.0"), MACHINE)
    assert cached_calibration(file) == {}
    store_calibration(
        file, {**MEASURED, CALIBRATED: THIS_BOOT, "storage.latency": 1.5, "fs.type": "xfs"}
    )
    assert cached_calibration(calibration_file(kernel("6.1.0"), MACHINE)) == MEASURED


def test_what_a_guest_was_told_is_not_kept_as_measured(kernel: Callable[[str], Kernel]) -> None:
    file = calibration_file(kernel("6.1.0"), MACHINE)
    store_calibration(file, {**MEASURED, CALIBRATED: EARLIER_BOOT})
    assert cached_calibration(file) == {}


@pytest.mark.parametrize(
    "other",
    [
        machine(memory_bytes=2 * GIB),
        machine(processor="qemu64"),
        machine(append="init_on_alloc=0"),
    ],
)
def test_another_machine_has_costs_of_its_own(
    kernel: Callable[[str], Kernel], other: Machine
) -> None:
    assert calibration_file(kernel("6.1.0"), other) != calibration_file(kernel("6.1.0"), MACHINE)


def test_a_kernel_of_the_same_name_with_other_code_has_costs_of_its_own(
    kernel: Callable[[str], Kernel],
) -> None:
    assert calibration_file(kernel("6.1.0"), MACHINE) != calibration_file(
        kernel("6.1.0-rebuilt"), MACHINE
    )


def test_by_the_hosts_clock_every_boot_measures_for_itself(
    kernel: Callable[[str], Kernel],
) -> None:
    file = calibration_file(kernel("6.1.0"), machine(clock=ClockKind.WALL))
    assert file is None
    store_calibration(file, {**MEASURED, CALIBRATED: THIS_BOOT})
    assert cached_calibration(file) == {}


@pytest.mark.parametrize("data", [b"", b"{}", b'{"costs":{"a":"b"}}', b"\xff"])
def test_a_damaged_file_is_measured_anew(kernel: Callable[[str], Kernel], data: bytes) -> None:
    file = calibration_file(kernel("6.1.0"), MACHINE)
    assert file is not None
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    assert cached_calibration(file) == {}
    store_calibration(file, {**MEASURED, CALIBRATED: THIS_BOOT})
    assert cached_calibration(file) == MEASURED


def test_a_cache_that_cannot_be_written_stops_no_run(
    kernel: Callable[[str], Kernel], cache: Path
) -> None:
    cache.write_text("a file in its place")
    file = calibration_file(kernel("6.1.0"), MACHINE)
    store_calibration(file, {**MEASURED, CALIBRATED: THIS_BOOT})
    assert cached_calibration(file) == {}
