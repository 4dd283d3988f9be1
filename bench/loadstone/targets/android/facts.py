"""The facts of a phone that only Android has, or has in its own place.

Where a command is missing or refuses, its facts are absent, never a default. A phone's texts are
made printable: what would move a terminal's cursor is written out.
"""

import re

from loadstone.environment import ReadTexts, RunCommand
from loadstone.environment.dma_heaps import HEAPS, heap_facts
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
    return {
        **property_facts(run("getprop") or ""),
        **_selinux(read_texts, run),
        **config_facts(run("zcat", "/proc/config.gz") or ""),
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


def _selinux(read_texts: ReadTexts, run: RunCommand) -> dict[str, Fact]:
    """From the kernel's file, or from ``getenforce`` where that cannot be read."""
    text = read_texts([_ENFORCE]).get(_ENFORCE) or run("getenforce") or ""
    mode = _MODES.get(text.strip().lower())
    return {"security.selinux": mode} if mode else {}
