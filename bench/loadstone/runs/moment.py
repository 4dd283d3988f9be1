"""When something happens: by the clock, and by what cannot be set."""

import re
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from loadstone.model import Noun
from loadstone.provision.record import boot_id


class Moment(Noun, frozen=True, kw_only=True):
    """A time: by the clock, and CLOCK_BOOTTIME in the boot of that id."""

    clock: datetime
    boot: str
    boottime_ns: int

    @property
    def clock_text(self) -> str:
        """ISO 8601 with milliseconds, as it stands in a Run."""
        return self.clock.isoformat(timespec="milliseconds")


def now() -> Moment:
    """This moment, on the machine that writes the Run."""
    return Moment(
        clock=datetime.now(UTC),
        boot=_this_boot(),
        boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME) - _offset_ns(),
    )


@cache
def _this_boot() -> str:
    return boot_id()


@cache
def _offset_ns() -> int:
    """By how much this process's time namespace is ahead: one boot has one time for all.

    Source: time_namespaces(7).
    """
    try:
        text = Path("/proc/self/timens_offsets").read_text()
    except FileNotFoundError:
        return 0  # A kernel without time namespaces.
    found = re.search(r"^boottime\s+(-?\d+)\s+(\d+)$", text, re.MULTILINE)
    return int(found[1]) * 10**9 + int(found[2]) if found else 0
