"""Which block device holds a file, its queue, and what lies beneath it down to the disk."""

import os
from pathlib import Path

import pytest

from environment.small_files import texts_of
from environment.ufs_phone import (
    DISK,
    PARTITION,
    UFS_FACTS,
    VIRTUAL,
    add_block,
    closed,
    ufs_phone,
)
from fake_phone import Phone
from loadstone.environment.block import BlockNode, queue_facts, read_stacks, stack_facts
from loadstone.model import Fact, Job, Outcome
from loadstone.targets.local import LocalTarget


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return ufs_phone(tmp_path)


def stacks_of(phone: Phone, *devices: str) -> tuple[BlockNode, ...]:
    return read_stacks(phone.read_texts, phone.execute, devices)


def facts_of(phone: Phone, *devices: str) -> dict[str, Fact]:
    return stack_facts(phone.read_texts, closed(phone), stacks_of(phone, *devices))


def words(phone: Phone, device: str) -> str:
    return str(stacks_of(phone, device)[0])


def test_root_is_told_what_the_tables_in_it_are_made_of(phone: Phone) -> None:
    def told(job: Job) -> Outcome:
        assert job.options["name"] == "userdata"
        return Outcome(values={"target_default-key": 1, "target_linear": 2})

    facts = stack_facts(phone.read_texts, told, stacks_of(phone, "254:7"))
    assert facts["block.dm_targets"] == "userdata: default-key + 2 linear"
    assert "block.dm_targets" not in facts_of(phone, "254:7")


def test_a_phones_data_is_told_down_to_its_disk(phone: Phone) -> None:
    assert words(phone, "254:7") == "dm-7 (userdata) over sda33 of sda"
    assert words(phone, "259:17") == "sda33 of sda"
    assert words(phone, "8:0") == "sda"


def test_the_facts_are_those_of_the_stack_the_disk_and_the_ufs_device(phone: Phone) -> None:
    assert facts_of(phone, "254:7") == {
        "block.stack": "dm-7 (userdata) over sda33 of sda",
        "block.dm_uuid": "a2b8c4d6",
        "disk.name": "sda",
        "disk.vendor": "SAMSUNG",
        "disk.model": "KLUDG4UHGC-B0E1",
        "disk.revision": "0B00",
        **UFS_FACTS,
    }


def test_a_layer_takes_a_round_trip_and_the_rest_three(phone: Phone) -> None:
    """Of three layers: the device, its partition, and below that none."""
    facts_of(phone, "254:7")
    assert phone.round_trips == 2 + 3


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
    facts = facts_of(phone, "254:3")
    assert facts == {"block.stack": "dm-3 over sda33 of sda and zram0"}


@pytest.mark.parametrize("device", ["", "254:99", "../../x", "1:2; reboot", "8:0/../8:16"])
def test_what_is_no_device_has_no_stack(phone: Phone, device: str) -> None:
    assert stacks_of(phone, device) == ()
    assert stacks_of(phone, "254:7", device) == ()
    assert facts_of(phone, device) == {}


def test_a_phone_that_refuses_has_no_facts_of_it(phone: Phone) -> None:
    def refused(job: Job) -> Outcome:
        return Outcome(before=dict.fromkeys(job.samples, ""))

    def garbage(job: Job) -> Outcome:
        return Outcome(before=dict.fromkeys(job.samples, "\x00\n/sys no-path\na b c\n. nothing\n"))

    assert read_stacks(phone.read_texts, refused, ["254:7"]) == ()
    assert read_stacks(phone.read_texts, garbage, ["254:7"]) == ()


def test_of_a_stack_that_goes_on_without_end_nothing_is_told(phone: Phone) -> None:
    def endless(job: Job) -> Outcome:
        return Outcome(before=dict.fromkeys(job.samples, ". /sys/dm-0\ndm-0 /sys/dm-0\n"))

    assert read_stacks(phone.read_texts, endless, ["254:7"]) == ()


def test_several_devices_of_one_file_system_are_all_named(phone: Phone) -> None:
    add_block(phone, f"{VIRTUAL}/zram0", "253:0")
    facts = facts_of(phone, "254:7", "253:0")
    assert facts == {"block.stack": "dm-7 (userdata) over sda33 of sda + zram0"}


def test_a_loop_device_and_its_partition_name_their_image(phone: Phone) -> None:
    disk = f"{VIRTUAL}/loop3"
    add_block(phone, disk, "7:3")
    phone.put(f"{disk}/loop/backing_file", "/data/an image.img\n")
    phone.put(f"{disk}/loop/dio", "1\n")
    add_block(phone, f"{disk}/loop3p1", "259:3")
    phone.put(f"{disk}/loop3p1/partition", "1\n")
    for device, name in (("7:3", "loop3"), ("259:3", "loop3p1")):
        (node,) = stacks_of(phone, device)
        assert (node.name, node.number) == (name, device)
        assert (node.image, node.reads_directly) == ("/data/an image.img", True)


def test_hostile_names_are_plain_text(phone: Phone) -> None:
    phone.put(f"{VIRTUAL}/dm-7/dm/name", "<b>\x1b[2J[red]\nof sda\n")
    phone.put(f"{DISK}/device/model", "x" * 10_000)
    facts = facts_of(phone, "254:7")
    assert facts["block.stack"] == r"dm-7 (<b>\x1b[2J[red]\nof sda) over sda33 of sda"
    assert len(str(facts["disk.model"])) == 128


def test_this_machines_own_files_have_the_stack_that_the_kernel_tells(place: Path) -> None:
    target = LocalTarget(place / "results")
    facts = target.environment(str(place)).facts
    if facts["block.device"] is None:
        pytest.skip("needs a directory on a block device: TMPDIR on a disk")
    real = os.path.realpath(f"/sys/dev/block/{facts['block.device']}")
    assert str(facts["block.stack"]).startswith(Path(real).name)


def test_a_disk_of_no_scsi_host_has_no_facts_of_ufs(tmp_path: Path) -> None:
    phone = Phone(tmp_path, {})
    nvme = "/sys/devices/pci0000:00/0000:00:02.0/nvme/nvme0/nvme0n1"
    add_block(phone, nvme, "259:0")
    phone.put(f"{nvme}/device/model", "Samsung SSD 980\n")
    phone.put(f"{nvme}/device/firmware_rev", "3B4QFXO7\n")
    assert facts_of(phone, "259:0") == {
        "block.stack": "nvme0n1",
        "disk.name": "nvme0n1",
        "disk.model": "Samsung SSD 980",
        "disk.revision": "3B4QFXO7",
    }


@pytest.mark.parametrize(
    ("path", "bus"),
    [
        ("/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda", "virtio"),
        (
            "/sys/devices/pci0000:00/0000:00:05.0/virtio2/host0/target0:0:1/0:0:1:0/block/sda",
            "virtio",
        ),
        ("/sys/devices/vbd-51712/block/xvda", "xen"),
        (
            "/sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/f8b3781a/host0/block/sdb",
            "hyper-v",
        ),
        (DISK, None),
    ],
)
def test_a_virtual_machines_disk_is_told_by_its_place(
    tmp_path: Path, path: str, bus: str | None
) -> None:
    phone = Phone(tmp_path, {})
    add_block(phone, path, "8:0")
    assert facts_of(phone, "8:0").get("disk.virtual_bus") == bus


def test_a_partition_has_the_queue_of_its_disk() -> None:
    base = "/sys/dev/block/259:2"
    files = {
        f"{base}/../queue/scheduler": "mq-deadline [none]\n",
        f"{base}/../queue/read_ahead_kb": "128\n",
        f"{base}/uevent": "MAJOR=259\nDEVNAME=nvme0n1p2\n",
    }
    facts = queue_facts(texts_of(files), "259:2")
    assert facts["block.scheduler"] == "none"
    assert facts["block.read_ahead_kb"] == 128
    assert facts["block.name"] == "nvme0n1p2"


def test_a_device_has_the_facts_of_its_queue() -> None:
    base = "/sys/dev/block/254:0"
    texts = {
        f"{base}/queue/logical_block_size": "512\n",
        f"{base}/queue/nr_requests": "64\n",
        f"{base}/queue/write_cache": "write back\n",
        f"{base}/queue/scheduler": "none [mq-deadline]\n",
        f"{base}/uevent": "MAJOR=254\nDEVNAME=vda\n",
    }
    facts = queue_facts(texts_of(texts), "254:0")
    assert (facts["block.device"], facts["block.name"]) == ("254:0", "vda")
    assert (facts["block.nr_requests"], facts["block.write_cache"]) == (64, "write back")
    assert facts["block.scheduler"] == "mq-deadline"
    assert queue_facts(texts_of(texts), None) == {"block.device": None}


def test_a_device_without_requests_has_the_other_facts_of_its_queue() -> None:
    """As a device-mapper device, which has no tags and no scheduler."""
    base = "/sys/dev/block/253:0"
    texts = {
        f"{base}/queue/logical_block_size": "4096\n",
        f"{base}/queue/read_ahead_kb": "128\n",
        f"{base}/uevent": "MAJOR=253\nDEVNAME=dm-0\n",
    }
    facts = queue_facts(texts_of(texts), "253:0")
    assert (facts["block.logical_block_size"], facts["block.read_ahead_kb"]) == (4096, 128)
    assert (facts["block.nr_requests"], facts["block.scheduler"]) == (None, None)
