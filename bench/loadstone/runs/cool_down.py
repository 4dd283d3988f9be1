"""Waiting until a Target is as cool as a Trial was asked to find it."""

from collections.abc import Callable

import msgspec

from loadstone.environment.heat import Thermometer, thermometer
from loadstone.environment.sensors import Sensors, parse_reading
from loadstone.errors import CannotMeasureError
from loadstone.model import Noun
from loadstone.targets import Say, Target

_LIMIT_S = 15 * 60.0
_POLL_S = 5.0
_SAY_EACH_S = 60.0


class CoolDown(Noun, frozen=True, kw_only=True):
    """A temperature to wait for, and the sensors that tell it: a battery's or those of zones.

    Which of them is settled once: a battery that does not answer is no reason to go by a zone.
    """

    target: Target
    below_c: float
    sensors: Sensors
    sleep: Callable[[float], None]
    now_s: Callable[[], float]

    def wait(self, say: Say) -> float:
        """Come back when it is below; what is waited for is said, and again each minute.

        Returns:
            How long it took, in seconds.

        Raises:
            CannotMeasureError: it was not to be had within a quarter of an hour.
        """
        start_s, said_s = self.now_s(), -_SAY_EACH_S
        while not self._is_below(found := self.thermometer()):
            waited_s = self.now_s() - start_s
            if waited_s >= _LIMIT_S:
                raise self._too_hot(found)
            if waited_s - said_s >= _SAY_EACH_S:
                say(f"waiting for {self.below_c:g} °C: {found or 'no sensor answers'}")
                said_s = waited_s
            self.sleep(_POLL_S)
        return self.now_s() - start_s

    def thermometer(self) -> Thermometer | None:
        """What it is now."""
        return thermometer(
            self.sensors, parse_reading(self.sensors, self.target.read_texts(self.sensors.paths))
        )

    def _is_below(self, found: Thermometer | None) -> bool:
        return found is not None and found.mc < self.below_c * 1000

    def _too_hot(self, found: Thermometer | None) -> CannotMeasureError:
        is_now = f"{found} still" if found else "no sensor answers"
        return CannotMeasureError(
            f"--cool-below {self.below_c:g}C: {is_now} after {_LIMIT_S / 60:.0f} min",
            remedy="cool the "
            "place, take it off its charger, dim its screen, or start a new run with a higher one",
        )


def cool_down(
    below_c: float | None,
    target: Target,
    sensors: Sensors,
    sleep: Callable[[float], None],
    now_s: Callable[[], float],
) -> CoolDown | None:
    """What ``--cool-below`` asks for; None where it was not given.

    Raises:
        CannotMeasureError: no sensor tells a temperature.
    """
    if below_c is None:
        return None
    bare = msgspec.structs.replace(sensors, cooling=(), policies=())
    for chosen in (
        msgspec.structs.replace(bare, zones={}),
        msgspec.structs.replace(bare, battery=None),
    ):
        found = CoolDown(target=target, below_c=below_c, sensors=chosen, sleep=sleep, now_s=now_s)
        if found.thermometer() is not None:
            return found
    raise CannotMeasureError(
        f"--cool-below {below_c:g}C: neither a battery nor a thermal zone tells {target.name}'s "
        "temperature",
        remedy="leave it out, and let it rest before each run",
    )
