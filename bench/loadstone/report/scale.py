"""Axes of charts: round ticks, and where on the axis a value stands."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from loadstone.model import Noun
from loadstone.units import format_bytes_rounded

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
# Marks of a logarithmic axis, from the densest on: a base, and which parts of each of its powers.
_MARKS: tuple[tuple[int, tuple[float, ...]], ...] = (
    (10, (1, 1.5, 2, 3, 4, 5, 6, 8)),
    *((10, parts) for parts in ((1, 2, 5), (1, 3), (1,))),
    *((base, (1,)) for base in (100, 1000, 10**6)),
)
_BYTE_MARKS: tuple[tuple[int, tuple[float, ...]], ...] = tuple(
    (base, (1,)) for base in (2, 4, 16, 64, 1024)
)
_BEYOND = 1.25
_LEAST_RATIO = 8
_SIZES = (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10), ("B", 1.0))
_TIMES = (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0))


class Tick(Noun, frozen=True, kw_only=True):
    """A mark on an axis; ``at`` is in percent of its length."""

    label: str
    at: float


class Axis(Noun, frozen=True, kw_only=True):
    """From ``start`` to ``end``, in the unit of the values; ``unit`` is that of the tick labels.

    ``unit`` is empty where each label has its own, or where there is none.
    """

    end: float
    unit: str
    ticks: tuple[Tick, ...]
    start: float = 0.0
    is_log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands, in percent of the axis's length; those outside at its ends."""
        if self.is_log:
            length = math.log(self.end / self.start)
            share = math.log(max(value, self.start) / self.start) / length
        else:
            share = (value - self.start) / (self.end - self.start)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def with_ticks(self, values: Iterable[float], unit: str) -> "Axis":
        """The same axis with a mark at each of these values, which are in ``unit``."""
        ticks = tuple(Tick(label=tick_text(one, unit), at=self.at(one)) for one in values)
        return msgspec.structs.replace(self, ticks=ticks, unit="")


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
            Tick(label=_number(step * i), at=round(100 * step * i * factor / end, 3))
            for i in range(count + 1)
        ),
    )


def log_axis(low: float, high: float, unit: str, ticks: int = 7) -> Axis:
    """A logarithmic axis that holds all from ``low`` to ``high``, both above zero.

    Args:
        unit: a metric's; bytes have marks at powers of two.
        ticks: at most so many marks, as far as powers of one base can be left out.
    """
    axis = Axis(start=low / _BEYOND, end=high * _BEYOND, unit="", ticks=(), is_log=True)
    return axis.with_ticks(_log_marks(axis, unit, ticks), unit)


def spans_decade(values: Sequence[float]) -> bool:
    """Whether figures differ so much that a logarithmic axis has marks, and all are above zero."""
    return min(values) > 0 and max(values) / min(values) >= _LEAST_RATIO


def unit_of_axis(unit: str) -> str:
    """What the marks of a metric's axis are in, where they are not times or bytes."""
    return _shown(1.0, unit)[0]


def tick_text(value: float, unit: str) -> str:
    """A round value for a mark, with its unit if that is one of time or bytes."""
    if unit == "B":
        return format_bytes_rounded(value)
    shown, factor = _shown(value, unit)
    text = _number(value / factor)
    return f"{text} {shown}" if unit == "ns" else text


def format_ns(value_ns: float) -> str:
    """A time for reading, to three digits, with its unit: ``62.7 ms``."""
    shown, factor = _time_unit(value_ns)
    value = value_ns / factor
    decimals = 0 if shown == "ns" or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{decimals}f} {shown}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10_000 else f"{value:.4g}"


def _shown(end: float, unit: str) -> tuple[str, float]:
    if unit == "B/s":
        return "GB/s", 1e9
    if unit == "B":
        return next((pair for pair in _SIZES if end >= pair[1]), _SIZES[-1])
    return _time_unit(end) if unit == "ns" else (unit, 1.0)


def _log_marks(axis: Axis, unit: str, most: int) -> list[float]:
    """The most marks for which there is room; where there is for none, the sparsest."""
    found: list[float] = []
    for base, parts in _BYTE_MARKS if unit == "B" else _MARKS:
        found = [value for value in _powers(axis, base, parts) if axis.start <= value <= axis.end]
        if len(found) <= most:
            break
    return found


def _powers(axis: Axis, base: int, parts: Iterable[float]) -> list[float]:
    first = math.floor(math.log(axis.start, base))
    last = math.ceil(math.log(axis.end, base))
    return [part * float(base) ** power for power in range(first, last + 1) for part in parts]


def _time_unit(value_ns: float) -> tuple[str, float]:
    return next((pair for pair in _TIMES if value_ns >= pair[1]), _TIMES[-1])


def _round_up(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in _ROUND if factor * power >= step * (1 - 1e-9))
