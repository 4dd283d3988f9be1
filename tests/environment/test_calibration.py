"""What basic work costs here, by which one boot of a guest is told from another."""

import errno

import pytest

from loadstone.core import native
from loadstone.environment.calibration import boot_calibration, cost_ns, mean_cost_ns
from loadstone.errors import CannotMeasureError
from loadstone.model import CoreError, Job, Outcome

_BOOT_FACTS = {
    "calibration.memcpy_ns_per_mib",
    "calibration.memset_ns_per_mib",
    "calibration.kernel_copy_ns_per_mib",
    "calibration.syscall_ns",
    "calibration.minor_fault_ns",
    "calibration.context_switch_ns",
}


def test_a_boot_is_calibrated_by_what_the_lab_records() -> None:
    facts = boot_calibration(native.run_job)
    assert set(facts) == _BOOT_FACTS
    assert all(cost_ns > 0 for cost_ns in facts.values())
    assert facts["calibration.context_switch_ns"] > facts["calibration.syscall_ns"]


def refused(job: Job) -> Outcome:
    """What a kernel that refuses everything answers."""
    del job
    return Outcome(error=CoreError(code=errno.EPERM, step="mmap", path="memory"))


def test_a_boot_that_cannot_be_calibrated_has_no_figures() -> None:
    with pytest.raises(CannotMeasureError, match="calibrating memcpy: mmap memory: Operation"):
        boot_calibration(refused)


def test_a_cost_is_that_of_the_best_batch_and_the_mean_that_of_all() -> None:
    values = {"best_ns": 100, "batch_count": 10, "elapsed_ns": 900, "count": 30}
    outcome = Outcome(values=values)
    assert (cost_ns(outcome), mean_cost_ns(outcome)) == (10, 30)
