"""A UFS device tells of itself and of its link, and nothing else is taken for one."""

from pathlib import Path

from environment.ufs_phone import CONTROLLER, DISK, UFS, UFS_FACTS, ufs_phone
from fake_phone import Phone
from loadstone.environment.ufs import ufs_facts


def test_what_a_ufs_device_tells_is_read_in_one_round_trip(tmp_path: Path) -> None:
    phone = ufs_phone(tmp_path)
    assert ufs_facts(phone.read_texts, DISK) == UFS_FACTS
    assert phone.round_trips == 1


def test_a_version_with_a_suffix_has_three_parts(tmp_path: Path) -> None:
    phone = ufs_phone(tmp_path)
    phone.put(f"{CONTROLLER}/device_descriptor/specification_version", "0x0221\n")
    assert ufs_facts(phone.read_texts, DISK)["ufs.specification"] == "2.2.1"


def test_a_ufs_device_that_tells_nonsense_has_no_such_facts(tmp_path: Path) -> None:
    phone = ufs_phone(tmp_path)
    for file in UFS:
        phone.put(f"{CONTROLLER}/{file}", "0xZZ\x1b\n")
    assert ufs_facts(phone.read_texts, DISK) == {
        "ufs.devfreq_governor": r"0xZZ\x1b",
        "ufs.power_control": r"0xZZ\x1b",
        "ufs.gear": r"0xZZ\x1b",
        "ufs.lanes": r"0xZZ\x1b",
    }


def test_a_disk_of_no_scsi_host_is_no_ufs_device(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {})
    assert ufs_facts(phone.read_texts, "/sys/devices/pci0000:00/nvme/nvme0/nvme0n1") == {}
    assert phone.round_trips == 0
