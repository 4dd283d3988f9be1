"""Cooling devices, and which of them slow down what is measured, judged by their types.

Source: Documentation/ABI/testing/sysfs-class-thermal. Types are the drivers' own words.
"""

import re
from enum import Enum, auto

from loadstone.model import Noun

_NEVER = re.compile(
    r"fan|^processor$|powerclamp|tcc offset|lcd|backlight|panel|display|flash|torch|(^|[-_ ])led"
    r"|bat|charg|chg|usb|wireless|wlc|fcc|icl|wlan|wifi|modem|mmw|camera|speaker|audio|haptic",
    re.IGNORECASE,
)
_ALWAYS = re.compile(
    r"cpu|cluster|pause|isolate|hotplug|idle|ddr|dram|memory|bus|llcc|(^|[-_ ])l3|ufs|emmc",
    re.IGNORECASE,
)


class Throttles(Enum):
    """Whether an active cooling device slows down what is measured, judged by its type.

    A fan does not. ``Processor`` and ``intel_powerclamp`` report states above 0 also when they
    limit nothing; a limit of theirs shows in the CPUs' frequency.
    """

    YES = auto()
    NO = auto()
    UNKNOWN = auto()


class CoolingDevice(Noun, frozen=True, kw_only=True):
    """A cooling device that has states above 0."""

    path: str
    type: str
    max_state: int

    @property
    def throttles(self) -> Throttles:
        """By its type."""
        if _NEVER.search(self.type):
            return Throttles.NO
        return Throttles.YES if _ALWAYS.search(self.type) else Throttles.UNKNOWN
