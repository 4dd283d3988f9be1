"""What workloads on whole devices need is checked."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

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
    assert "no dm-flush, dm-verity, dm-verity-fec, virtual-ab" in (lacking.reason or "")
    assert "modprobe dm_mod" in (lacking.remedy or "")
    assert "modprobe loop" in (named(without, "loop devices").remedy or "")


def test_whether_this_machine_has_null_blk_is_told_by_modprobe(tmp_path: Path) -> None:
    found = named(of_fake(FakeTarget(), tmp_path), "null_blk")
    modprobe = shutil.which("modprobe", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    words = [modprobe or "false", "--dry-run", "null_blk"]
    assert found.is_met == (subprocess.run(words, check=False).returncode == 0)
    if modprobe and not found.is_met:
        assert "modprobe null_blk: modprobe: FATAL" in (found.reason or "")
        assert "loadstone lab run zoned-gc" in (found.remedy or "")


@pytest.mark.parametrize(
    ("code", "reason", "remedy"),
    [
        (errno.ENOENT, "no page-classes: no zram here: open zram control", "modprobe zram"),
        (errno.EACCES, "a zram device is root's to make", "outside of the container"),
        (errno.EROFS, "sysfs is read-only here", "mount it writable"),
    ],
)
def test_whether_zram_devices_can_be_made_is_told(
    tmp_path: Path, code: int, reason: str, remedy: str
) -> None:
    path = "/sys/class/zram-control/hot_remove"
    error = CoreError(code=code, step="open zram control", path=path)
    with_all = of_fake(FakeTarget(), tmp_path)
    assert named(with_all, "zram devices").detail == "the next is zram1"
    is_root = {"user.is_root": True}
    lacking = named(
        of_fake(FakeTarget(zram=Outcome(error=error), facts=is_root), tmp_path), "zram devices"
    )
    assert reason in (lacking.reason or "")
    assert remedy in (lacking.remedy or "")
