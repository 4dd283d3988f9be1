"""The facts of a phone that only Android has, or has in its own place.

Where a command is missing or refuses, its facts are absent, never a default. A phone's texts are
made printable: what would move a terminal's cursor is written out.
"""

import re

from loadstone.environment import ReadTexts, RunCommand
from loadstone.environment.dma_heaps import HEAPS, heap_facts
from loadstone.environment.init_on_alloc import COMMAND_LINE, CONFIG, init_on_alloc
from loadstone.model import Fact
from loadstone.targets.android.kernel_config import config_facts
from loadstone.targets.android.properties import property_facts

_ENFORCE = "/sys/fs/selinux/enforce"
_MODES = {
    "1": "enforcing",
    "0": "permissive",
    "enforcing": "enforcing",
    "permissive": "permissive",
    "disabled": "disabled",
}
_WAKEFULNESS = re.compile(r"^\s*mWakefulness=(\w{1,32})\s*$", re.MULTILINE)
_SAVER = re.compile(r"^\s*Battery Saver is currently:\s*(ON|OFF)\s*$", re.MULTILINE)


def phone_facts(read_texts: ReadTexts, run: RunCommand) -> dict[str, Fact]:
    """The facts that hold while a phone is up: four round trips, once a connection."""
    texts = read_texts([_ENFORCE, COMMAND_LINE])
    config = run("zcat", CONFIG) or ""
    return {
        **property_facts(run("getprop") or ""),
        **_selinux(texts.get(_ENFORCE), run),
        **config_facts(config),
        **_init_on_alloc(texts.get(COMMAND_LINE), config),
        **heap_facts((run("ls", HEAPS) or "").split()),
    }


def state_facts(run: RunCommand) -> dict[str, Fact]:
    """Whether the screen is on, and whether power is saved. One round trip."""
    text = run("dumpsys", "power") or ""
    facts: dict[str, Fact] = {}
    if wakefulness := _WAKEFULNESS.search(text):
        facts["screen.wakefulness"] = wakefulness[1]
    if saver := _SAVER.search(text):
        facts["battery.saver_is_on"] = saver[1] == "ON"
    return facts


def _init_on_alloc(command_line: str | None, config: str) -> dict[str, Fact]:
    found = init_on_alloc(command_line, config)
    return {} if found is None else {"memory.init_on_alloc": found}


def _selinux(enforce: str | None, run: RunCommand) -> dict[str, Fact]:
    """From the kernel's file, or from ``getenforce`` where that cannot be read."""
    text = enforce or run("getenforce") or ""
    mode = _MODES.get(text.strip().lower())
    return {"security.selinux": mode} if mode else {}
