"""What lies beneath a block device is told down to the disk, and a UFS device tells of itself."""

import errno
import os
from pathlib import Path

import pytest

from fake_phone import Phone
from loadstone.environment.block import read_stack, stack_facts
from loadstone.model import CoreError, Job, Outcome
from loadstone.targets.local import LocalTarget

CONTROLLER = "/sys/devices/platform/soc/1d84000.ufshc"
DISK = f"{CONTROLLER}/host0/target0:0:0/0:0:0:0/block/sda"
PARTITION = f"{DISK}/sda33"
VIRTUAL = "/sys/devices/virtual/block"

UFS = {
    "device_descriptor/specification_version": "0x0310\n",
    "device_descriptor/manufacturer_id": "0x01CE\n",
    "device_descriptor/queue_depth": "0x20\n",
    "device_descriptor/wb_type": "0x01\n",
    "health_descriptor/life_time_estimation_a": "0x02\n",
    "health_descriptor/eol_info": "0x01\n",
    "flags/wb_enable": "true\n",
    "flags/wb_flush_en": "false\n",
    "attributes/wb_avail_buf": "0x00000007\n",
    "wb_on": "1\n",
    "power_info/gear": "HS_GEAR4\n",
    "power_info/lane": "2\n",
}


def closed(job: Job) -> Outcome:
    """What anybody but root is told of device-mapper."""
    assert job.operation == "dm-targets"
    return Outcome(error=CoreError(code=errno.EACCES, step="open control", path="/dev/mapper"))


def told(job: Job) -> Outcome:
    """What root is told."""
    assert job.options["name"] == "userdata"
    return Outcome(values={"target_default-key": 1, "target_linear": 2})


def add_block(phone: Phone, path: str, number: str, *slaves: str) -> None:
    """A block device with its number, and links to those below it."""
    phone.put(f"{path}/dev", f"{number}\n")
    phone.link(f"/sys/dev/block/{number}", path)
    for slave in slaves:
        phone.link(f"{path}/slaves/{slave.rpartition('/')[2]}", slave)


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    """Data that is encrypted over a partition of a UFS device, as phones have it."""
    phone = Phone(tmp_path, {f"{CONTROLLER}/{file}": text for file, text in UFS.items()})
    add_block(phone, DISK, "8:0")
    add_block(phone, PARTITION, "259:17")
    add_block(phone, f"{VIRTUAL}/dm-7", "254:7", PARTITION)
    phone.put(f"{PARTITION}/partition", "33\n")
    phone.put(f"{VIRTUAL}/dm-7/dm/name", "userdata\n")
    phone.put(f"{VIRTUAL}/dm-7/dm/uuid", "a2b8c4d6\n")
    for file, text in (("vendor", "SAMSUNG "), ("model", "KLUDG4UHGC-B0E1  "), ("rev", "0B00")):
        phone.put(f"{DISK}/device/{file}", f"{text}\n")
    return phone


def test_root_is_told_what_the_tables_in_it_are_made_of(phone: Phone) -> None:
    facts = stack_facts(phone.read_texts, phone.run, told, "254:7")
    assert facts["block.dm_targets"] == "userdata: default-key + 2 linear"
    assert "block.dm_targets" not in stack_facts(phone.read_texts, phone.run, closed, "254:7")


def words(phone: Phone, device: str) -> str:
    return str(read_stack(phone.read_texts, phone.run, device))


def test_a_phones_data_is_told_down_to_its_disk(phone: Phone) -> None:
    assert words(phone, "254:7") == "dm-7 (userdata) over sda33 of sda"
    assert words(phone, "259:17") == "sda33 of sda"
    assert words(phone, "8:0") == "sda"


def test_the_facts_are_those_of_the_stack_the_disk_and_the_ufs_device(phone: Phone) -> None:
    assert stack_facts(phone.read_texts, phone.run, closed, "254:7") == {
        "block.stack": "dm-7 (userdata) over sda33 of sda",
        "block.dm_uuid": "a2b8c4d6",
        "disk.name": "sda",
        "disk.vendor": "SAMSUNG",
        "disk.model": "KLUDG4UHGC-B0E1",
        "disk.revision": "0B00",
        "ufs.specification": "3.1",
        "ufs.manufacturer_id": 0x1CE,
        "ufs.queue_depth": 32,
        "ufs.wb_type": 1,
        "ufs.lifetime_used_a": 2,
        "ufs.end_of_life": 1,
        "ufs.wb_is_enabled": True,
        "ufs.wb_flushes": False,
        "ufs.wb_on": True,
        "ufs.wb_available_percent": 70,
        "ufs.gear": "HS_GEAR4",
        "ufs.lanes": "2",
    }


def test_all_of_it_takes_four_round_trips(phone: Phone) -> None:
    stack_facts(phone.read_texts, phone.run, closed, "254:7")
    assert phone.round_trips == 4


def test_layers_over_layers_and_over_several_are_told(phone: Phone) -> None:
    add_block(phone, f"{VIRTUAL}/dm-1", "254:1", f"{VIRTUAL}/dm-7")
    add_block(phone, f"{VIRTUAL}/dm-2", "254:2", f"{VIRTUAL}/dm-1", DISK)
    assert words(phone, "254:1") == "dm-1 over dm-7 (userdata) over sda33 of sda"
    assert (
        words(phone, "254:2") == "dm-2 over (dm-1 over dm-7 (userdata) over sda33 of sda) and sda"
    )


def test_of_two_disks_none_is_the_one(phone: Phone) -> None:
    add_block(phone, f"{VIRTUAL}/zram0", "253:0")
    add_block(phone, f"{VIRTUAL}/dm-3", "254:3", PARTITION, f"{VIRTUAL}/zram0")
    facts = stack_facts(phone.read_texts, phone.run, closed, "254:3")
    assert facts == {"block.stack": "dm-3 over sda33 of sda and zram0"}


@pytest.mark.parametrize("device", [None, "", "254:99", "../../x", "1:2; reboot", "8:0/../8:16"])
def test_what_is_no_device_has_no_stack(phone: Phone, device: str | None) -> None:
    assert stack_facts(phone.read_texts, phone.run, closed, device) == {}


def test_a_phone_that_refuses_has_no_facts_of_it(phone: Phone) -> None:
    assert stack_facts(phone.read_texts, lambda *_: None, closed, "254:7") == {}
    garbage = "\x00\n/sys/dev/block/254:7 not-a-path\n/a b c\n"
    assert stack_facts(phone.read_texts, lambda *_: garbage, closed, "254:7") == {}


def test_hostile_names_are_plain_text(phone: Phone) -> None:
    phone.put(f"{VIRTUAL}/dm-7/dm/name", "<b>\x1b[2J[red]\nof sda\n")
    phone.put(f"{DISK}/device/model", "x" * 10_000)
    facts = stack_facts(phone.read_texts, phone.run, closed, "254:7")
    assert facts["block.stack"] == r"dm-7 (<b>\x1b[2J[red]\nof sda) over sda33 of sda"
    assert len(str(facts["disk.model"])) == 128


def test_a_ufs_device_that_tells_nonsense_has_no_such_facts(phone: Phone) -> None:
    for file in UFS:
        phone.put(f"{CONTROLLER}/{file}", "0xZZ\x1b\n")
    found = stack_facts(phone.read_texts, phone.run, closed, "8:0")
    assert {name: fact for name, fact in found.items() if name.startswith("ufs.")} == {
        "ufs.gear": r"0xZZ\x1b",
        "ufs.lanes": r"0xZZ\x1b",
    }


def test_a_disk_that_hangs_on_no_scsi_host_is_no_ufs_device(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {})
    nvme = "/sys/devices/pci0000:00/0000:00:02.0/nvme/nvme0/nvme0n1"
    add_block(phone, nvme, "259:0")
    phone.put(f"{nvme}/device/model", "Samsung SSD 980\n")
    phone.put(f"{nvme}/device/firmware_rev", "3B4QFXO7\n")
    assert stack_facts(phone.read_texts, phone.run, closed, "259:0") == {
        "block.stack": "nvme0n1",
        "disk.name": "nvme0n1",
        "disk.model": "Samsung SSD 980",
        "disk.revision": "3B4QFXO7",
    }


def test_this_machines_own_files_have_the_stack_that_the_kernel_tells(place: Path) -> None:
    target = LocalTarget(place / "results")
    facts = target.environment(str(place)).facts
    if facts["block.device"] is None:
        pytest.skip("needs a directory on a block device: TMPDIR on a disk")
    real = os.path.realpath(f"/sys/dev/block/{facts['block.device']}")
    assert str(facts["block.stack"]).startswith(Path(real).name)
