"""When something happens: by the clock, and by what cannot be set."""

import time
from datetime import UTC, datetime
from functools import cache

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
        boottime_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME),
    )


@cache
def _this_boot() -> str:
    return boot_id()
