"""What lies below a file on device-mapper devices, of one and of several."""

import contextlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import MIB
from devices import mounted, number_of, run
from dm.dm_devices import Lower
from loadstone.model import Fact
from loadstone.targets.local import LocalTarget

# btrfs wants 109 MiB of each.
_SECTORS = 128 * MIB // 512


@pytest.fixture
def loop(place: Path) -> Iterator[str]:
    """A larger one than other tests have."""
    image = place / "users.img"
    with image.open("wb") as stream:
        stream.truncate(2 * 128 * MIB)
    device = run("losetup", "--find", "--show", str(image))
    try:
        yield device
    finally:
        run("losetup", "--detach", device)
        image.unlink()


@contextlib.contextmanager
def mapper_link(device: str) -> Iterator[str]:
    """A link as udev makes them, by a name that /sys does not have."""
    link = Path(f"/dev/mapper/test-link-{secrets.token_hex(4)}")
    link.symlink_to(device)
    try:
        yield str(link)
    finally:
        link.unlink()


@contextlib.contextmanager
def mounted_btrfs(links: list[str], at: Path) -> Iterator[Path]:
    run("mkfs.btrfs", "-q", "-d", "raid0", "-m", "raid1", *links)
    run("btrfs", "device", "scan", *links)
    at.mkdir()
    run("mount", "--no-canonicalize", "-t", "btrfs", links[0], str(at))
    try:
        yield at
    finally:
        run("umount", str(at))
        run("btrfs", "device", "scan", "--forget")


def stats_of(target: LocalTarget, path: Path) -> set[str]:
    return {sample for sample in target.samples(str(path)) if re.fullmatch("/sys/.*/stat", sample)}


def below(target: LocalTarget, place: Path) -> tuple[set[str], dict[str, Fact]]:
    """What the loop devices' images lie on."""
    facts = target.environment(str(place)).facts
    return {f"/sys/class/block/{facts['disk.name']}/stat"}, dict(facts)


def test_ext4_on_a_table_is_looked_through_to_the_disk_of_its_image(
    target: LocalTarget, lower: Lower, place: Path
) -> None:
    disks, facts_below = below(target, place)
    with (
        lower(f"0 {_SECTORS} linear LOOP 0") as device,
        mounted(device, place / "at") as at,
    ):
        facts, stats = target.environment(str(at)).facts, stats_of(target, at)
        own = f"/sys/dev/block/{number_of(device)}/stat"
    assert facts["disk.name"] == facts_below["disk.name"]
    assert str(facts["block.stack"]).endswith(f"({place / 'users.img'}) over {facts['disk.name']}")
    assert stats == {own, *disks}


def test_a_btrfs_of_several_mapper_links_has_all_its_devices(
    target: LocalTarget, lower: Lower, place: Path
) -> None:
    disks, _ = below(target, place)
    with (
        lower(f"0 {_SECTORS} linear LOOP 0") as one,
        lower(f"0 {_SECTORS} linear LOOP {_SECTORS}") as two,
        mapper_link(one) as first,
        mapper_link(two) as second,
        mounted_btrfs([first, second], place / "at") as at,
    ):
        facts, stats = target.environment(str(at)).facts, stats_of(target, at)
        own = {f"/sys/dev/block/{number_of(device)}/stat" for device in (one, two)}
        names = sorted(Path(device).name for device in (one, two))
    assert facts["block.names"] == " + ".join(names)
    assert "cache.unseen" not in facts
    assert stats == own | disks
