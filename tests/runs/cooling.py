"""A phone whose temperature changes while somebody waits, and Conditions on it."""

from collections.abc import Sequence

import msgspec

from fake_phone import BATTERY, Phone
from loadstone.model import Conditions
from loadstone.runs.conditions import TrialConditions, resolve_conditions


class Clock:
    """Time that passes when somebody sleeps; it may change a phone meanwhile."""

    def __init__(self, phone: Phone, tenths: Sequence[int | None] = ()) -> None:
        self.now = 1000.0
        self._phone = phone
        self._tenths = iter(tenths)

    def now_s(self) -> float:
        return self.now

    def sleep(self, pause_s: float) -> None:
        self.now += pause_s
        tenths = next(self._tenths, -1)
        if tenths is None:
            self._phone.take_away(f"{BATTERY}/temp")
        elif tenths >= 0:
            self._phone.put(f"{BATTERY}/temp", f"{tenths}\n")


def conditions_on(
    phone: Phone, clock: Clock | None = None, **conditions: object
) -> TrialConditions:
    wanted = msgspec.convert(conditions, Conditions)
    clock = clock or Clock(phone)
    return resolve_conditions(wanted, phone, sleep=clock.sleep, now_s=clock.now_s)  # type: ignore[arg-type]  # a fake has what is used
