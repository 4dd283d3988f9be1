"""Kernel, processors and memory of a Linux machine, as far as they decide a storage benchmark.

Everything is read through ``read_text`` and ``read_texts``, so that the same code serves any
Target that can read small files. ``read_text`` is for those that may be long.
"""

import re
from collections.abc import Mapping

from loadstone.environment import ReadText, ReadTexts
from loadstone.environment.control_group import OWN_GROUPS
from loadstone.environment.init_on_alloc import COMMAND_LINE, init_on_alloc
from loadstone.environment.memory_cgroup import memory_cgroup_facts
from loadstone.environment.sysfs import number_or_text, selected_word
from loadstone.model import Fact

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


def machine_facts(read_text: ReadText, read_texts: ReadTexts) -> dict[str, Fact]:
    """Kernel, processor, memory: what holds whatever file is measured. Five round trips.

    ``memory.available_bytes`` is what the machine has, or what a control group leaves of it.
    """
    others = ("/proc/meminfo", "/proc/loadavg", COMMAND_LINE, OWN_GROUPS)
    texts = read_texts([*_FACT_FILES.values(), *_CHOICE_FILES.values(), *others])
    facts: dict[str, Fact] = {
        key: number_or_text(texts.get(path)) for key, path in _FACT_FILES.items()
    }
    facts |= {key: selected_word(texts.get(path)) for key, path in _CHOICE_FILES.items()}
    facts |= _cpu_facts(read_text("/proc/cpuinfo") or "")
    facts |= _memory_facts(texts.get("/proc/meminfo", ""))
    facts |= memory_cgroup_facts(texts.get(OWN_GROUPS, ""), read_text, read_texts)
    facts |= _narrowest(facts)
    config = read_text(f"/boot/config-{facts['kernel.release']}")
    facts["memory.init_on_alloc"] = init_on_alloc(texts.get(COMMAND_LINE), config)
    load = texts.get("/proc/loadavg")
    facts["load.1min"] = float(load.split()[0]) if load else None
    return facts


def _narrowest(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    names = ("memory.available_bytes", "memory.cgroup_available_bytes")
    found = [has for name in names if isinstance(has := facts.get(name), int)]
    return {"memory.available_bytes": min(found)} if found else {}


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
