"""The dma-buf heaps of a machine."""

import re
from collections.abc import Iterable

from loadstone.model import Fact

HEAPS = "/dev/dma_heap"
"""The directory that has them."""

# The device chooses a heap's name, which becomes part of paths and is printed on terminals.
_NAME = re.compile(r"[A-Za-z0-9._,-]+")


def heap_names(listed: Iterable[str]) -> list[str]:
    """Those among the names in ``HEAPS`` that a heap can have."""
    return sorted(name for name in listed if _NAME.fullmatch(name))


def heap_facts(listed: Iterable[str]) -> dict[str, Fact]:
    """``memory.dma_heaps``, where there is at least one."""
    names = heap_names(listed)
    return {"memory.dma_heaps": ", ".join(names)} if names else {}
