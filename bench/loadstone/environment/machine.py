"""The facts about a Linux machine that decide a storage benchmark's figures.

Everything is read through ``read_text`` and ``read_texts``, so that the same code serves any
Target that can read small files. ``read_text`` is for those that may be long.
"""

import os
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from loadstone.environment import Fact, ReadText, ReadTexts
from loadstone.environment.mounts import find_mount, parse_mountinfo

_FACT_FILES = {
    "kernel.release": "/proc/sys/kernel/osrelease",
    "kernel.version": "/proc/sys/kernel/version",
    "kernel.boot_id": "/proc/sys/kernel/random/boot_id",
    "kernel.io_uring_disabled": "/proc/sys/kernel/io_uring_disabled",
    "cpu.governor": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "cpu.max_khz": "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
    "memory.hugetlb_pages": "/proc/sys/vm/nr_hugepages",
    "memory.swappiness": "/proc/sys/vm/swappiness",
    "memory.page_reporting_order": "/sys/module/page_reporting/parameters/page_reporting_order",
}
_CHOICE_FILES = {
    "memory.thp": "/sys/kernel/mm/transparent_hugepage/enabled",
    "memory.thp_shmem": "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
    "memory.thp_defrag": "/sys/kernel/mm/transparent_hugepage/defrag",
}
_QUEUE_FACTS = (
    "scheduler",
    "nr_requests",
    "read_ahead_kb",
    "max_sectors_kb",
    "logical_block_size",
    "physical_block_size",
    "rotational",
    "write_cache",
    "io_poll",
)


def machine_facts(read_text: ReadText, read_texts: ReadTexts) -> dict[str, Fact]:
    """Kernel, processor, memory: what holds whatever file is measured. Two round trips."""
    texts = read_texts(
        [*_FACT_FILES.values(), *_CHOICE_FILES.values(), "/proc/meminfo", "/proc/loadavg"]
    )
    facts: dict[str, Fact] = {
        key: _number_or_text(texts.get(path)) for key, path in _FACT_FILES.items()
    }
    facts |= {key: _chosen(texts.get(path)) for key, path in _CHOICE_FILES.items()}
    facts |= _cpu_facts(read_text("/proc/cpuinfo") or "")
    facts |= _memory_facts(texts.get("/proc/meminfo", ""))
    load = texts.get("/proc/loadavg")
    facts["load.1min"] = float(load.split()[0]) if load else None
    return facts


def storage_facts(
    read_text: ReadText, read_texts: ReadTexts, path: str, device: str | None
) -> dict[str, Fact]:
    """File system and block queue under a real (symlink-free) path.

    Args:
        device: ``MAJ:MIN`` of the block device beneath, or None where there is none.
    """
    mount = find_mount(parse_mountinfo(read_text("/proc/self/mountinfo") or ""), path)
    facts = device_facts(read_texts, device)
    if mount:
        facts |= {
            "fs.type": mount.fs_type,
            "fs.options": mount.options,
            "fs.source": mount.source,
            "fs.mount_point": mount.point,
        }
    return facts


def device_facts(read_texts: ReadTexts, device: str | None) -> dict[str, Fact]:
    """The block queue of a device, ``MAJ:MIN``, or None where there is none. One round trip."""
    queue = _queue_facts(read_texts, device) if device else {}
    return {"block.device": device, **queue}


def _number_or_text(text: str | None) -> Fact:
    if text is None:
        return None
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 18 else text


def _chosen(text: str | None) -> str | None:
    match = re.search(r"\[(\S+)\]", text or "")
    return match[1] if match else None


def _cpu_facts(cpuinfo: str) -> dict[str, Fact]:
    names = re.findall(r"^(?:model name|Hardware|Processor)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    flags = re.search(r"^flags\s*:.*\bhypervisor\b", cpuinfo, re.MULTILINE)
    return {
        "cpu.model": names[0] if names else None,
        "cpu.count": len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE)),
        "cpu.is_virtual": bool(flags),
    }


def _memory_facts(meminfo: str) -> dict[str, Fact]:
    kib = dict(re.findall(r"^(\w+):\s+(\d+) kB$", meminfo, re.MULTILINE))
    wanted = {
        "memory.total_bytes": "MemTotal",
        "memory.available_bytes": "MemAvailable",
        "memory.swap_bytes": "SwapTotal",
        "memory.huge_page_bytes": "Hugepagesize",
    }
    facts: dict[str, Fact] = {
        key: int(kib[name]) * 1024 for key, name in wanted.items() if name in kib
    }
    if free := re.search(r"^HugePages_Free:\s+(\d+)$", meminfo, re.MULTILINE):
        facts["memory.hugetlb_free_pages"] = int(free[1])
    return facts


def _queue_facts(read_texts: ReadTexts, device: str) -> dict[str, Fact]:
    base = f"/sys/dev/block/{device}"
    # A partition has no queue of its own: its disk's is one directory up.
    queues = (f"{base}/queue", f"{base}/../queue")
    names = (*_QUEUE_FACTS, "../device/model")
    texts = read_texts([f"{base}/uevent", *(f"{at}/{name}" for at in queues for name in names)])
    queue = next((at for at in queues if f"{at}/logical_block_size" in texts), queues[-1])
    facts: dict[str, Fact] = {
        f"block.{name}": _number_or_text(texts.get(f"{queue}/{name}")) for name in _QUEUE_FACTS
    }
    scheduler = texts.get(f"{queue}/scheduler")
    facts["block.scheduler"] = _chosen(scheduler) or (scheduler or "").strip() or None
    facts["block.name"] = _uevent(texts.get(f"{base}/uevent", "")).get("DEVNAME")
    facts["block.model"] = _number_or_text(texts.get(f"{queue}/../device/model"))
    return facts


def _uevent(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def block_device(read_text: ReadText, path: str, device_number: int) -> str | None:
    """``MAJ:MIN`` of the block device that holds a file, or None (tmpfs, overlayfs, 9p).

    btrfs and others give files an anonymous device number; then it is the mount's source.
    """
    number = f"{os.major(device_number)}:{os.minor(device_number)}"
    if read_text(f"/sys/dev/block/{number}/stat") is not None:
        return number
    mount = find_mount(parse_mountinfo(read_text("/proc/self/mountinfo") or ""), path)
    if mount is None or not mount.source.startswith("/dev/"):
        return None
    name = PurePosixPath(mount.source).name
    text = read_text(f"/sys/class/block/{name}/dev")
    return text.strip() if text else None
