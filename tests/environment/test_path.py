"""What lies beneath a path: its block device, and where it is none itself its file system."""

import stat
from pathlib import Path

import pytest

from environment.ufs_phone import PARTITION, closed, ufs_phone
from fake_phone import Phone
from loadstone.core.remote_files import FileStat
from loadstone.environment.path import MACHINE_SAMPLES, path_facts, path_samples
from loadstone.model import Fact


def stat_of(path: str, type_: int, device: tuple[int, int], rdev: tuple[int, int]) -> FileStat:
    return FileStat(
        real_path=path,
        is_text=True,
        type=type_,
        file_bytes=0,
        allocated_bytes=0,
        inode=1,
        mtime_ns=0,
        device=device,
        rdev=rdev,
        free_bytes=0,
        readable=0,
    )


FILE = stat_of("/data/model.gguf", stat.S_IFREG, (259, 17), (0, 0))
DEVICE = stat_of("/dev/block/sda33", stat.S_IFBLK, (0, 5), (259, 17))
SOCKET = stat_of("/data/socket", stat.S_IFSOCK, (0, 99), (0, 0))


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    phone = ufs_phone(tmp_path)
    phone.put(f"{PARTITION}/stat", "0 0 0\n")
    phone.put(f"{PARTITION}/uevent", "DEVNAME=sda33\n")
    phone.put("/proc/self/mountinfo", "22 1 259:17 / /data rw - f2fs /dev/sda33 rw,inlinecrypt\n")
    return phone


def facts_of(phone: Phone, seen: FileStat) -> dict[str, Fact]:
    return path_facts(seen, phone.read_text, phone.read_texts, closed(phone))


def samples_of(phone: Phone, seen: FileStat) -> tuple[str, ...]:
    return path_samples(seen, phone.read_text, phone.read_texts, closed(phone))


def test_a_file_has_its_file_system_and_the_device_beneath_it(phone: Phone) -> None:
    facts = facts_of(phone, FILE)
    assert (facts["fs.type"], facts["fs.mount_point"]) == ("f2fs", "/data")
    assert facts["fs.inline_encryption"] is True
    assert (facts["block.device"], facts["block.name"]) == ("259:17", "sda33")
    assert (facts["block.stack"], facts["ufs.specification"]) == ("sda33 of sda", "3.1")


def test_a_block_device_is_what_is_beneath_and_has_no_file_system(phone: Phone) -> None:
    facts = facts_of(phone, DEVICE)
    assert (facts["block.device"], facts["block.name"]) == ("259:17", "sda33")
    assert not [name for name in facts if name.startswith("fs.")]


@pytest.mark.parametrize("seen", [FILE, DEVICE], ids=["file", "device"])
def test_its_devices_counters_are_sampled_with_those_of_the_machine(
    phone: Phone, seen: FileStat
) -> None:
    device = "/sys/dev/block/259:17"
    own = (f"{device}/stat", f"{device}/../queue/iostats")
    assert samples_of(phone, seen) == (*MACHINE_SAMPLES, *own)


def test_the_lowest_devices_counters_are_sampled_by_another_path(phone: Phone) -> None:
    encrypted = stat_of("/data/model.gguf", stat.S_IFREG, (254, 7), (0, 0))
    samples = samples_of(phone, encrypted)
    assert samples[len(MACHINE_SAMPLES) :] == (
        "/sys/dev/block/254:7/stat",
        "/sys/dev/block/254:7/queue/iostats",
        "/sys/class/block/sda33/stat",
        "/sys/class/block/sda33/../queue/iostats",
    )


def test_what_lies_on_no_device_has_the_machines_samples_alone(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {"/proc/self/mountinfo": "1 0 0:99 / / rw - tmpfs tmpfs rw\n"})
    assert samples_of(phone, SOCKET) == MACHINE_SAMPLES
    facts = facts_of(phone, SOCKET)
    assert (facts["block.device"], facts["fs.type"]) == (None, "tmpfs")
