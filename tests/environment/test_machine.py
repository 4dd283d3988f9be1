"""Facts about a machine, read through nothing but small files."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadstone.environment import ReadTexts
from loadstone.environment.machine import block_device, device_facts, machine_facts, storage_facts
from loadstone.environment.mounts import find_mount, parse_mountinfo

MOUNTINFO = r"""22 1 259:2 / / rw,relatime - ext4 /dev/nvme0n1p2 rw,discard
30 22 0:30 / /data rw - btrfs /dev/sda1 rw,compress=zstd
31 22 0:31 / /with\040space rw - tmpfs tmpfs rw,size=1024k
32 30 8:1 /sub /data rw,noatime - xfs /dev/sdb1 rw
broken line
"""


def read_text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def texts_of(files: Mapping[str, str]) -> ReadTexts:
    """Reads small files of a machine that has these."""
    return lambda paths: {path: files[path] for path in paths if path in files}


def read_texts(paths: Sequence[str]) -> Mapping[str, str]:
    return texts_of({path: text for path in paths if (text := read_text(path))})(paths)


def test_the_deepest_and_then_the_latest_mount_holds_a_path() -> None:
    mounts = parse_mountinfo(MOUNTINFO)
    assert [mount.fs_type for mount in mounts] == ["ext4", "btrfs", "tmpfs", "xfs"]
    for path, fs_type in (
        ("/data/model.gguf", "xfs"),
        ("/database", "ext4"),
        ("/with space/x", "tmpfs"),
        ("/", "ext4"),
    ):
        found = find_mount(mounts, path)
        assert found is not None
        assert found.fs_type == fs_type


def test_a_file_system_with_anonymous_devices_is_traced_to_its_source() -> None:
    files = {
        "/proc/self/mountinfo": MOUNTINFO.replace("32 30", "# 32 30").replace(" - xfs", " xfs"),
        "/sys/class/block/sda1/dev": "8:17\n",
    }
    assert block_device(files.get, "/data/model.gguf", os.makedev(0, 99)) == "8:17"
    assert block_device(files.get, "/with space/x", os.makedev(0, 31)) is None


def test_a_partition_has_the_queue_of_its_disk() -> None:
    base = "/sys/dev/block/259:2"
    files = {
        "/proc/self/mountinfo": MOUNTINFO,
        f"{base}/../queue/scheduler": "mq-deadline [none]\n",
        f"{base}/../queue/read_ahead_kb": "128\n",
        f"{base}/uevent": "MAJOR=259\nDEVNAME=nvme0n1p2\n",
    }
    facts = storage_facts(files.get, texts_of(files), "/model.gguf", "259:2")
    assert facts["block.scheduler"] == "none"
    assert facts["block.read_ahead_kb"] == 128
    assert facts["block.name"] == "nvme0n1p2"
    assert facts["fs.type"] == "ext4"


def test_this_machines_facts_are_its_own() -> None:
    facts = machine_facts(read_text, read_texts)
    assert facts["kernel.release"] == os.uname().release
    assert facts["cpu.count"] == os.sysconf("SC_NPROCESSORS_ONLN")
    available, total = facts["memory.available_bytes"], facts["memory.total_bytes"]
    assert isinstance(available, int)
    assert isinstance(total, int)
    assert 0 < available <= total


def test_a_machine_that_tells_nothing_has_facts_without_values() -> None:
    facts = machine_facts(lambda _: None, texts_of({}))
    assert facts["kernel.release"] is None
    assert facts["cpu.model"] is None


def test_a_device_has_the_facts_of_its_queue_and_of_no_file_system() -> None:
    base = "/sys/dev/block/254:0"
    texts = {
        f"{base}/queue/logical_block_size": "512\n",
        f"{base}/queue/nr_requests": "64\n",
        f"{base}/queue/write_cache": "write back\n",
        f"{base}/queue/scheduler": "none [mq-deadline]\n",
        f"{base}/uevent": "MAJOR=254\nDEVNAME=vda\n",
    }
    facts = device_facts(texts_of(texts), "254:0")
    assert (facts["block.device"], facts["block.name"]) == ("254:0", "vda")
    assert (facts["block.nr_requests"], facts["block.write_cache"]) == (64, "write back")
    assert facts["block.scheduler"] == "mq-deadline"
    assert not [name for name in facts if name.startswith("fs.")]
    assert device_facts(texts_of(texts), None) == {"block.device": None}


def test_a_device_without_requests_has_the_other_facts_of_its_queue() -> None:
    """As a device-mapper device, which has no tags and no scheduler."""
    base = "/sys/dev/block/253:0"
    texts = {
        f"{base}/queue/logical_block_size": "4096\n",
        f"{base}/queue/read_ahead_kb": "128\n",
        f"{base}/uevent": "MAJOR=253\nDEVNAME=dm-0\n",
    }
    facts = device_facts(texts_of(texts), "253:0")
    assert (facts["block.logical_block_size"], facts["block.read_ahead_kb"]) == (4096, 128)
    assert (facts["block.nr_requests"], facts["block.scheduler"]) == (None, None)
