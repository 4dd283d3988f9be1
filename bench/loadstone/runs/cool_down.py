"""Waiting until a Target is below the temperature that ``--cool-below`` gives."""

from collections.abc import Callable

import msgspec

from loadstone.environment.heat import Thermometer, thermometer
from loadstone.environment.sensors import Sensors, parse_reading
from loadstone.errors import CannotMeasureError
from loadstone.model import Noun
from loadstone.targets import Say, Target

_LIMIT_S = 15 * 60.0
_POLL_S = 5.0
_REPORT_EACH_S = 60.0


class CoolDown(Noun, frozen=True, kw_only=True):
    """A temperature to wait for, and the sensors that read it: a battery's or those of zones.

    Which of them is decided once: a battery that stops answering is not replaced by a zone.
    """

    target: Target
    below_c: float
    sensors: Sensors
    sleep: Callable[[float], None]
    now_s: Callable[[], float]

    def wait(self, say: Say) -> float:
        """Wait until it is below; what is waited for is reported, and again each minute.

        Returns:
            How long it took, in seconds.

        Raises:
            CannotMeasureError: it was not that cool within a quarter of an hour.
        """
        start_s, reported_s = self.now_s(), -_REPORT_EACH_S
        while not self._is_below(found := self.thermometer()):
            waited_s = self.now_s() - start_s
            if waited_s >= _LIMIT_S:
                raise self._too_hot(found)
            if waited_s - reported_s >= _REPORT_EACH_S:
                say(f"waiting for {self.below_c:g} °C: {found or 'no sensor answers'}")
                reported_s = waited_s
            self.sleep(_POLL_S)
        return self.now_s() - start_s

    def thermometer(self) -> Thermometer | None:
        """The temperature now."""
        return thermometer(
            self.sensors, parse_reading(self.sensors, self.target.read_texts(self.sensors.paths))
        )

    def _is_below(self, found: Thermometer | None) -> bool:
        return found is not None and found.mc < self.below_c * 1000

    def _too_hot(self, found: Thermometer | None) -> CannotMeasureError:
        is_now = f"{found} still" if found else "no sensor answers"
        return CannotMeasureError(
            f"--cool-below {self.below_c:g}C: {is_now} after {_LIMIT_S / 60:.0f} min",
            remedy="cool the place, take it off its charger, dim its screen, or start a new run "
            "with a higher temperature",
        )


def cool_down(
    below_c: float | None,
    target: Target,
    sensors: Sensors,
    sleep: Callable[[float], None],
    now_s: Callable[[], float],
) -> CoolDown | None:
    """The wait that ``--cool-below`` asks for; None where it was not given.

    Raises:
        CannotMeasureError: no sensor reads a temperature.
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
        f"--cool-below {below_c:g}C: neither a battery nor a thermal zone reads {target.name}'s "
        "temperature",
        remedy="leave it out, and let the device cool before each run",
    )
