"""The block devices of a phone with UFS: its data, encrypted over a partition of the disk."""

import errno
from collections.abc import Mapping
from pathlib import Path

from fake_phone import Phone
from loadstone.core.remote_files import Execute
from loadstone.model import CoreError, Fact, Job, Outcome

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
    "clkscale_enable": "1\n",
    "devfreq/1d84000.ufshc/governor": "simple_ondemand\n",
    "devfreq/1d84000.ufshc/cur_freq": "75000000\n",
    "devfreq/1d84000.ufshc/min_freq": "75000000\n",
    "devfreq/1d84000.ufshc/max_freq": "300000000\n",
    "power/control": "auto\n",
    "power_info/gear": "HS_GEAR4\n",
    "power_info/lane": "2\n",
}

UFS_FACTS: Mapping[str, Fact] = {
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
    "ufs.power_control": "auto",
    "ufs.clkscale_is_enabled": True,
    "ufs.devfreq_governor": "simple_ondemand",
    "ufs.devfreq_hz": 75_000_000,
    "ufs.devfreq_min_hz": 75_000_000,
    "ufs.devfreq_max_hz": 300_000_000,
}
"""What the files of ``UFS`` say."""


def closed(phone: Phone) -> Execute:
    """What anybody but root is told: of directories what lies there, of device-mapper nothing."""

    def execute(job: Job) -> Outcome:
        if job.operation == "list-directories":
            return phone.execute(job)
        assert job.operation in ("dm-targets", "stat", "extents")
        return Outcome(error=CoreError(code=errno.EACCES, step="open", path="/dev/mapper"))

    return execute


def add_block(phone: Phone, path: str, number: str, *slaves: str) -> None:
    """A block device with its number, and links to those below it."""
    phone.put(f"{path}/dev", f"{number}\n")
    phone.link(f"/sys/dev/block/{number}", path)
    for slave in slaves:
        phone.link(f"{path}/slaves/{slave.rpartition('/')[2]}", slave)


def ufs_phone(root: Path) -> Phone:
    """Data that is encrypted over a partition of a UFS device, as phones have it."""
    phone = Phone(root, {f"{CONTROLLER}/{file}": text for file, text in UFS.items()})
    add_block(phone, DISK, "8:0")
    add_block(phone, PARTITION, "259:17")
    add_block(phone, f"{VIRTUAL}/dm-7", "254:7", PARTITION)
    phone.put(f"{PARTITION}/partition", "33\n")
    phone.put(f"{VIRTUAL}/dm-7/dm/name", "userdata\n")
    phone.put(f"{VIRTUAL}/dm-7/dm/uuid", "a2b8c4d6\n")
    for file, text in (("vendor", "SAMSUNG "), ("model", "KLUDG4UHGC-B0E1  "), ("rev", "0B00")):
        phone.put(f"{DISK}/device/{file}", f"{text}\n")
    return phone
