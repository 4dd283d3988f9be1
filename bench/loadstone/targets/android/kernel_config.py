"""The options of a kernel that decide what can be measured on it, and how fast it is."""

import re

from loadstone.model import Fact

_WANTED = (
    *("IO_URING", "DMABUF_HEAPS", "DMABUF_HEAPS_SYSTEM", "UDMABUF", "TRANSPARENT_HUGEPAGE"),
    *("F2FS_FS", "F2FS_FS_COMPRESSION", "DM_DEFAULT_KEY", "DM_VERITY", "BLK_INLINE_ENCRYPTION"),
    *("FS_ENCRYPTION_INLINE_CRYPT", "ZRAM", "CACHESTAT_SYSCALL", "PSI", "LRU_GEN_ENABLED"),
    *("INIT_ON_ALLOC_DEFAULT_ON", "INIT_ON_FREE_DEFAULT_ON"),
    *("ARM64_4K_PAGES", "ARM64_16K_PAGES", "ARM64_64K_PAGES", "HZ"),
)
_LINE = re.compile(r"^(?:CONFIG_(\w+)=(\w+)|# CONFIG_(\w+) is not set)$", re.MULTILINE)


def config_facts(text: str) -> dict[str, Fact]:
    """``config.IO_URING`` and others: ``y``, ``m``, a number, or ``n`` where it says not set.

    An option that is not in the text does not exist in that kernel, and is left out.
    """
    values: dict[str, str] = {}
    for name, value, unset in _LINE.findall(text):
        values[name or unset] = value or "n"
    return {f"config.{name}": values[name][:16] for name in _WANTED if name in values}
