"""Published figures as nouns: who published what of which Cases, on what, under what."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec

from loadstone.errors import UsageError
from loadstone.model import Noun, Value
from loadstone.units import parse_bytes, parse_flag

Text = Annotated[str, msgspec.Meta(min_length=1)]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")]
Sizes = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
ParameterValues = Mapping[str, tuple[Value, ...]]
"""Parameters by name, each with the values that it may have."""


class Direction(StrEnum):
    """Which way a change went, where that is all that was published."""

    FASTER = "faster"
    SLOWER = "slower"


class Quantity(Noun, frozen=True, kw_only=True):
    """A figure as it was published: its value, and the unit that it was given in."""

    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:.15g} {self.unit}"


class Figure(Noun, frozen=True, kw_only=True):
    """One published figure.

    ``case`` is None where Loadstone has no Case that does the same. ``size_bytes`` is how much
    was moved, where the figure depends on it. ``place`` is where it stands, for errors.
    """

    place: str
    what: Text
    metric: Text
    value: Quantity
    case: ParameterValues | None = None
    size_bytes: Sizes | None = None
    is_baseline: bool = False
    note: str = ""


class Change(Noun, frozen=True, kw_only=True):
    """A published before and after: both figures, their ratio alone, or only its direction.

    ``ratio`` is that of the metric, new over base, whichever way is better.
    """

    place: str
    what: Text
    metric: Text
    base_is: Text
    new_is: Text
    base: Quantity | None = None
    new: Quantity | None = None
    ratio: Positive | None = None
    direction: Direction | None = None
    case: ParameterValues | None = None
    size_bytes: Sizes | None = None
    note: str = ""


class Posting(Noun, frozen=True, kw_only=True):
    """Who published what, when and where, and on what device under which conditions."""

    key: Text
    workload: Text
    title: Text
    who: Text
    when: Day
    where: Text
    device: Text
    conditions: Text
    source: str = ""
    note: str = ""
    figures: tuple[Figure, ...] = ()
    changes: tuple[Change, ...] = ()


def matches_case(case: ParameterValues | None, parameters: Mapping[str, Value]) -> bool:
    """Whether a Case's parameters have, of all that are named, one of the values."""
    return case is not None and all(
        name in parameters and any(_is_same(value, parameters[name]) for value in values)
        for name, values in case.items()
    )


def _is_same(named: Value, value: Value) -> bool:
    """Whether a value as people write it is that of a Case.

    ``4k`` is 4096, ``on`` is true, and a text that ends in ``*`` is any that begins like it.
    """
    if isinstance(named, str) and isinstance(value, str) and named.endswith("*"):
        return value.startswith(named[:-1])
    if isinstance(named, bool) or not isinstance(value, bool | int):
        return type(named) is type(value) and named == value
    try:
        return (parse_flag if isinstance(value, bool) else parse_bytes)(str(named)) == value
    except UsageError:
        return False
