"""Axes of charts: round ticks, and where on the axis a value stands."""

import math

from loadstone.model import Noun

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIMES = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))


class Tick(Noun, frozen=True, kw_only=True):
    """A mark on an axis; ``at`` is in percent of its length."""

    label: str
    at: float


class Axis(Noun, frozen=True, kw_only=True):
    """From zero to ``end``, in the unit of the values; ``unit`` is that of the tick labels."""

    end: float
    unit: str
    ticks: tuple[Tick, ...]

    def at(self, value: float) -> float:
        """Where a value stands, in percent of the axis's length; those outside at its ends."""
        return round(100 * min(max(value / self.end, 0.0), 1.0), 3)


def axis_to(end: float, unit: str, ticks: int = 6) -> Axis:
    """An axis from zero that just holds ``end``.

    Args:
        end: the largest value, in ``unit``.
        unit: a metric's (``B/s``, ``ns``, …).
        ticks: about how many marks.
    """
    end = end if end > 0 else 1.0
    shown, factor = _shown(end, unit)
    step = _round_up(end / factor / ticks)
    count = int(end / factor / step * (1 + 1e-9))
    return Axis(
        end=end,
        unit=shown,
        ticks=tuple(
            Tick(label=f"{step * i:g}", at=round(100 * step * i * factor / end, 3))
            for i in range(count + 1)
        ),
    )


def format_ns(value_ns: float) -> str:
    """A time for reading, to three digits, with its unit: ``62.7 ms``."""
    shown, factor = _time_unit(value_ns)
    value = value_ns / factor
    decimals = 0 if shown == "ns" or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{decimals}f} {shown}"


def _shown(end: float, unit: str) -> tuple[str, float]:
    if unit == "B/s":
        return "GB/s", 1e9
    return _time_unit(end) if unit == "ns" else (unit, 1.0)


def _time_unit(value_ns: float) -> tuple[str, float]:
    return next((pair for pair in _TIMES if value_ns >= pair[1]), _TIMES[-1])


def _round_up(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in _ROUND if factor * power >= step * (1 - 1e-9))
