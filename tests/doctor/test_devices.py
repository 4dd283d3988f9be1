"""What workloads on whole devices need is checked."""

import errno
from pathlib import Path

from doctor.answers import FakeTarget, named, of_fake
from loadstone.model import CoreError, Outcome


def test_device_mapper_and_loop_devices_are_told_of(tmp_path: Path) -> None:
    error = CoreError(code=errno.ENOENT, step="open device-mapper control", path="/dev/mapper/x")
    loops = {"/sys/class/misc/loop-control/dev": "10:237\n"}
    with_all = of_fake(FakeTarget(texts=loops), tmp_path)
    without = of_fake(FakeTarget(device_mapper=Outcome(error=error)), tmp_path)
    assert named(with_all, "device-mapper").detail == "interface 4.50.0"
    assert named(with_all, "loop devices").is_met
    lacking = named(without, "device-mapper")
    assert "no dm-flush, no dm-verity" in (lacking.reason or "")
    assert "modprobe dm_mod" in (lacking.remedy or "")
    assert "modprobe loop" in (named(without, "loop devices").remedy or "")
