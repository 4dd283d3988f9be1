"""What the file system and the device below a file allow."""

import errno
import os
from pathlib import Path

import pytest

from doctor.answers import ALL_IS_WELL, FakeTarget, named, of_fake, of_local
from loadstone.model import Fact


@pytest.mark.native
@pytest.mark.skipif(
    not os.access("/dev/shm", os.W_OK), reason="no tmpfs at /dev/shm; mount one there"
)
def test_a_file_in_memory_is_never_cold(tmp_path: Path) -> None:
    file = Path(f"/dev/shm/loadstone-test-{os.getpid()}")
    try:
        file.write_bytes(b"model")
        diagnosis = of_local(file, tmp_path)
    finally:
        file.unlink(missing_ok=True)
    assert "tmpfs" in (named(diagnosis, "cold start").reason or "")
    assert not named(diagnosis, "block device").is_met
    assert diagnosis.can_load


@pytest.mark.native
def test_a_file_on_a_disk_can_be_cold(model: Path, tmp_path: Path) -> None:
    diagnosis = of_local(model, tmp_path)
    on_memory = "tmpfs" in named(diagnosis, "file system").detail
    assert on_memory == any(check.name == "cold start" for check in diagnosis.checks)


BELOW: dict[str, Fact] = {"cache.below": "the page cache of /a.img below loop0"}


@pytest.mark.parametrize(
    ("facts", "reason", "remedy"),
    [
        ({"cache.unseen": "nfs4 (server:/m)"}, "nfs4 (server:/m) may have the file", "a disk of"),
        (
            {**BELOW, "user.is_root": False},
            "only root can drop the page cache of /a.img",
            "losetup",
        ),
        (
            {"fs.type": "overlay", "fs.lower_type": "tmpfs"},
            "tmpfs keeps its files in memory",
            "disk",
        ),
    ],
)
def test_what_keeps_a_load_from_being_proven_cold_is_named(
    tmp_path: Path, facts: dict[str, Fact], reason: str, remedy: str
) -> None:
    check = named(of_fake(FakeTarget(facts=facts), tmp_path), "cold start")
    assert not check.is_met
    assert reason in (check.reason or "")
    assert remedy in (check.remedy or "")


def test_root_drops_what_is_cached_below(tmp_path: Path) -> None:
    diagnosis = of_fake(FakeTarget(facts={**BELOW, "user.is_root": True}), tmp_path)
    assert "cold start" not in {check.name for check in diagnosis.checks}


def test_a_device_that_counts_nothing_has_the_remedy(tmp_path: Path) -> None:
    facts: dict[str, Fact] = {"block.name": "sda", "block.iostats": 0}
    check = named(of_fake(FakeTarget(facts=facts), tmp_path), "block device")
    assert check.remedy == "as root: echo 1 > /sys/class/block/sda/queue/iostats"


@pytest.mark.parametrize("is_root", [True, False])
def test_the_doctor_does_not_tell_root_to_be_root(tmp_path: Path, is_root: bool) -> None:
    target = FakeTarget(
        {**ALL_IS_WELL, "drop_caches": -errno.EROFS}, facts={"user.is_root": is_root}
    )
    check = named(of_fake(target, tmp_path), "drop_caches")
    assert ("run as root" in (check.remedy or "")) == (not is_root)
