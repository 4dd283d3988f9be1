"""File systems that Loadstone makes: the same ones every time, and gone at the end."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadstone.errors import CannotMeasureError, LoadstoneError, UsageError
from loadstone.provision.file_system import PACKAGES, is_zoned, made_file_system, mkfs_command

_IMAGE_BYTES = 512 << 20
_SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@pytest.fixture
def device(place: Path) -> Iterator[str]:
    """A loop device over a sparse file."""
    if os.geteuid() != 0:
        pytest.skip("needs root: run pytest as root")
    image = place / "image"
    with image.open("wb") as stream:
        stream.truncate(_IMAGE_BYTES)
    words = ["losetup", "--find", "--show", str(image)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs a free loop device, load the module loop: {done.stderr.strip()}")
    yield done.stdout.strip()
    subprocess.run(["losetup", "--detach", done.stdout.strip()], check=True)


def need(type: str) -> None:
    if shutil.which(f"mkfs.{type}", path=_SBIN) is None:
        pytest.skip(f"needs mkfs.{type}: apt-get install {PACKAGES[type]}")
    if f"\t{type}\n" not in Path("/proc/filesystems").read_text():
        pytest.skip(f"this kernel has no {type}: run the tests on one that has it")


def is_mounted(path: Path) -> bool:
    return f" {path} " in Path("/proc/self/mounts").read_text()


def blkid(device: str, tag: str) -> str:
    words = ["blkid", "--probe", "--output", "value", "--match-tag", tag, device]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.root
@pytest.mark.parametrize("type", PACKAGES)
def test_each_type_is_made_mounted_and_gone_at_the_end(type: str, device: str, place: Path) -> None:
    need(type)
    with made_file_system(device, type, "", "noatime", place / "m") as made:
        (made.path / "file").write_bytes(b"written")
        assert is_mounted(made.path)
        assert made.facts["fs.mkfs"].startswith(f"mkfs.{type} ")
        assert made.facts["fs.mkfs"].endswith(device)
        assert made.facts["fs.mount_options"] == "noatime"
        assert blkid(device, "TYPE") == type
    assert not (place / "m").exists()


@pytest.mark.root
@pytest.mark.parametrize("type", PACKAGES)
def test_a_second_one_has_the_identity_of_the_first(type: str, device: str, place: Path) -> None:
    need(type)
    identities = set[str]()
    for _ in range(2):
        with made_file_system(device, type, "", "", place / "m"):
            identities.add(blkid(device, "UUID"))
    assert len(identities) == 1


@pytest.mark.root
def test_the_same_device_gets_the_same_directory_hashes(device: str, place: Path) -> None:
    need("ext4")
    seeds = set[str]()
    for _ in range(2):
        with made_file_system(device, "ext4", "", "", place / "m"):
            said = subprocess.run(
                ["dumpe2fs", "-h", device], capture_output=True, text=True, check=True
            ).stdout
            seeds.update(line for line in said.splitlines() if "Hash Seed" in line)
    assert len(seeds) == 1


@pytest.mark.root
def test_what_mkfs_says_against_an_option_is_told(device: str, place: Path) -> None:
    need("ext4")
    with (
        pytest.raises(CannotMeasureError, match=r"mkfs\.ext4 .*-b 5 .*: .*invalid block size"),
        made_file_system(device, "ext4", "-b 5", "", place / "m"),
    ):
        pytest.fail("was made")


@pytest.mark.root
def test_what_mount_says_against_an_option_is_told_and_nothing_stays(
    device: str, place: Path
) -> None:
    need("ext4")
    with (
        pytest.raises(CannotMeasureError, match=r"mount -t ext4 -o data=none .*: .*option"),
        made_file_system(device, "ext4", "", "data=none", place / "m"),
    ):
        pytest.fail("was mounted")
    assert not (place / "m").exists()


@pytest.mark.root
def test_a_file_system_in_use_is_told_when_it_cannot_be_unmounted(device: str, place: Path) -> None:
    need("ext4")
    with (
        pytest.raises(LoadstoneError) as error,
        made_file_system(device, "ext4", "", "", place / "m") as made,
    ):
        held = (made.path / "held").open("w")
    held.close()
    subprocess.run(["umount", place / "m"], check=True)
    assert "busy; end what still uses it" in str(error.value)


@pytest.mark.root
def test_an_error_inside_goes_on_and_the_file_system_is_gone(device: str, place: Path) -> None:
    need("ext4")
    with pytest.raises(KeyError), made_file_system(device, "ext4", "", "", place / "m"):
        raise KeyError
    assert not (place / "m").exists()


def test_no_background_initialisation_runs_on_ext4_whatever_the_users_options() -> None:
    words = mkfs_command("/dev/x", "ext4", "-E stride=4 -b 4096 -Estripe_width=8", zoned=False)
    assert words.count("-E") == 1
    extended = words[words.index("-E") + 1].split(",")
    assert {"lazy_itable_init=0", "lazy_journal_init=0", "stride=4", "stripe_width=8"} <= set(
        extended
    )
    assert extended[0].startswith("hash_seed=")
    assert words[-1] == "/dev/x"
    assert words[words.index("-b") + 1] == "4096"


def test_two_devices_get_two_identities() -> None:
    one, other = (mkfs_command(f"/dev/{name}", "xfs", "", zoned=False) for name in "ab")
    assert one[-2] != other[-2]


def test_options_are_quoted_as_for_a_shell() -> None:
    words = mkfs_command("/dev/x", "f2fs", "-l 'my label'", zoned=True)
    assert "my label" in words
    assert "-m" in words
    with pytest.raises(UsageError, match="--mkfs -l 'open: No closing quotation"):
        mkfs_command("/dev/x", "f2fs", "-l 'open", zoned=False)


def test_an_unknown_type_is_told_with_those_that_can_be_made() -> None:
    with pytest.raises(UsageError, match=r"--fs ntfs: .* ext4, xfs, btrfs, f2fs"):
        mkfs_command("/dev/x", "ntfs", "", zoned=False)


def test_ext4_is_not_made_on_zones() -> None:
    with pytest.raises(UsageError, match="/dev/x has zones, ext4 knows none; take f2fs or btrfs"):
        mkfs_command("/dev/x", "ext4", "", zoned=True)


def test_a_device_without_zones_is_not_zoned(device: str) -> None:
    assert not is_zoned(device)
    assert not is_zoned("/dev/null")
