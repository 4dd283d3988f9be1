"""Cooling devices: which of them slow down what is measured, as far as their types tell.

Source: Documentation/ABI/testing/sysfs-class-thermal. Types are the drivers' own words.
"""

import re
from enum import StrEnum

from loadstone.model import Noun

_HARMLESS = re.compile(
    r"fan|^processor$|powerclamp|tcc offset|lcd|backlight|panel|display|flash|torch|(^|[-_ ])led"
    r"|bat|charg|chg|usb|wireless|wlc|fcc|icl|wlan|wifi|modem|mmw|camera|speaker|audio|haptic",
    re.IGNORECASE,
)
_SLOWS = re.compile(
    r"cpu|cluster|pause|isolate|hotplug|idle|ddr|dram|memory|bus|llcc|(^|[-_ ])l3|ufs|emmc",
    re.IGNORECASE,
)


class Effect(StrEnum):
    """What an active cooling device does to what is measured, as far as its type tells.

    A fan takes nothing away. ``Processor`` and ``intel_powerclamp`` report states that they
    also have when they limit nothing; a limit of theirs shows in the CPUs' frequency.
    """

    SLOWS = "slows"
    HARMLESS = "harmless"
    UNKNOWN = "unknown"


class CoolingDevice(Noun, frozen=True, kw_only=True):
    """A cooling device that has states above 0."""

    path: str
    type: str
    max_state: int

    @property
    def effect(self) -> Effect:
        """By its type."""
        if _HARMLESS.search(self.type):
            return Effect.HARMLESS
        return Effect.SLOWS if _SLOWS.search(self.type) else Effect.UNKNOWN
