"""The dma-buf heaps of a machine."""

import re

from loadstone.environment import RunCommand
from loadstone.model import Fact

# The device chooses a heap's name, which becomes part of paths and is printed on terminals.
_NAME = re.compile(r"[A-Za-z0-9._,-]+")


def heap_names(run: RunCommand) -> list[str]:
    """Their names; empty where there is none, or where they may not be listed."""
    listed = (run("ls", "/dev/dma_heap") or "").split()
    return sorted(name for name in listed if _NAME.fullmatch(name))


def heap_facts(run: RunCommand) -> dict[str, Fact]:
    """``memory.dma_heaps``, where there is at least one."""
    names = heap_names(run)
    return {"memory.dma_heaps": ", ".join(names)} if names else {}
