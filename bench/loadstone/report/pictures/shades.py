"""Colours that stand for a figure: of few different ones each has its own, else a range has."""

import math
from collections.abc import Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.model import AxisColumn, Noun
from loadstone.report.bars import bar_text
from loadstone.report.figures import figure_of
from loadstone.report.pictures.drawing import Key
from loadstone.report.pictures.svg import SHADES
from loadstone.report.scale import spans_decade


class Shading(Noun, frozen=True, kw_only=True):
    """Which figure has which colour: ``bounds`` are the upper ends of each, in order."""

    column: AxisColumn | None = None
    bounds: tuple[float, ...] = ()
    keys: tuple[Key, ...] = ()

    @property
    def heading(self) -> str:
        """What stands before the keys."""
        return self.column.heading if self.column is not None and self.keys else ""

    def of(self, summary: CaseSummary) -> int | None:
        """The place of a Case's colour; None where its figure is not known."""
        value = _figure(self.column, summary)
        if value is None or not self.bounds:
            return None
        place = next((p for p, bound in enumerate(self.bounds) if value <= bound), -1)
        return _spread(place % len(self.bounds), len(self.bounds))

    def text(self, summary: CaseSummary) -> str:
        """The figure itself; empty where it is not known."""
        value = _figure(self.column, summary)
        return "" if self.column is None or value is None else bar_text(value, self.column.unit)

    def words(self, summary: CaseSummary) -> str:
        """The figure by its name, for a title."""
        text = self.text(summary)
        return f", {self.heading} {text}" if text else ""


def shading(column: AxisColumn | None, cases: Sequence[CaseSummary]) -> Shading:
    """The colours of some Cases by a figure; none where it is not known of any."""
    found = (_figure(column, summary) for summary in cases)
    values = sorted({value for value in found if value is not None})
    if column is None or not values:
        return Shading()
    texts = [bar_text(value, column.unit) for value in values]
    if len(set(texts)) <= len(SHADES):
        bounds = tuple(dict(zip(texts, values, strict=True)).values())
        return _shading(column, bounds, list(dict.fromkeys(texts)))
    bounds = _equal_parts(column, values)
    lows = (values[0], *bounds[:-1])
    return _shading(
        column,
        bounds,
        [
            f"{bar_text(low, column.unit)} to {bar_text(high, column.unit)}"
            for low, high in zip(lows, bounds, strict=True)
        ],
    )


def _shading(column: AxisColumn, bounds: tuple[float, ...], texts: Sequence[str]) -> Shading:
    keys = tuple(
        Key(text=text, shade=_spread(place, len(bounds))) for place, text in enumerate(texts)
    )
    return Shading(column=column, bounds=bounds, keys=keys)


def _equal_parts(column: AxisColumn, values: Sequence[float]) -> tuple[float, ...]:
    low, high, count = values[0], values[-1], len(SHADES)
    if column.is_log and spans_decade(values):
        step = math.log(high / low) / count
        return (*(low * math.exp(step * part) for part in range(1, count)), high)
    return (*(low + (high - low) * part / count for part in range(1, count)), high)


def _spread(place: int, count: int) -> int:
    """Of few, the colours that differ most."""
    return 0 if count < 2 else round(place * (len(SHADES) - 1) / (count - 1))


def _figure(column: AxisColumn | None, summary: CaseSummary) -> float | None:
    value = None if column is None else figure_of(summary, column.name)
    return None if value is None or value < 0 else value
