"""Quantities as people write them and as the program counts them."""

import math
import re

from loadstone.errors import UsageError

COOL_BELOW_C = (5, 110)
"""The least and the most °C that a Trial can be asked to wait for."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)
_STEPS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
# How many of the first of its kind (ns, B/s) one of each unit is.
_MEASURES = (
    {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9},
    {
        **{"B/s": 1, "kB/s": 10**3, "MB/s": 10**6, "GB/s": 10**9},
        **{"KiB/s": 1 << 10, "MiB/s": 1 << 20, "GiB/s": 1 << 30},
    },
)
# What figures count: bytes, time, or things of which each is one.
_UNITS = ("B", "count", *(name for measures in _MEASURES for name in measures))
_OF_RATES = ("KiB", "MiB", "GiB", "kB", "MB", "GB", *_UNITS)
_CELSIUS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*(?:°?\s*C)?", re.IGNORECASE)
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%")
_SHARES = (0.001, 0.5)
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|min|m|h)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
_DURATIONS_S = (1, 30 * 86400)
_TRUE = {"on", "yes", "true", "1"}
_FALSE = {"off", "no", "false", "0"}


def parse_bytes(text: str) -> int:
    """Read a size: ``4k``, ``1MiB``, ``1.5g`` or plain bytes, in powers of 1024.

    Raises:
        UsageError: the text is not a size, not a whole number of bytes, or beyond any number.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a size", remedy="write 4k, 1MiB, 2g or plain bytes")
    bytes_ = float(match[1]) * _STEPS[match[2].lower()]
    if math.isinf(bytes_):
        raise UsageError(f"{text!r} is too much", remedy="write less")
    if bytes_ != int(bytes_):
        raise UsageError(
            f"{text!r} is not a whole number of bytes", remedy="write it in a smaller unit"
        )
    return int(bytes_)


def format_bytes(size_bytes: int) -> str:
    """Write a size exactly, in the largest power of 1024 that divides it: ``1MiB``, ``4095``."""
    for suffix, step in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= step and size_bytes % step == 0:
            return f"{size_bytes // step}{suffix}"
    return str(size_bytes)


def format_bytes_rounded(size_bytes: float) -> str:
    """Write a size for reading, to three digits: ``1.21 GiB``, ``1020 MiB``, ``17 B``."""
    for suffix, step in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= step:
            return f"{_three_digits(size_bytes / step)} {suffix}"
    return f"{size_bytes:.0f} B"


def parse_celsius(text: str) -> float:
    """Read a temperature to wait for: ``38C``, ``38.5``, ``38 °C``.

    Raises:
        UsageError: the text is not a temperature, or one that ``require_celsius`` refuses.
    """
    match = _CELSIUS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no temperature", remedy="write 38C or 38.5C")
    return require_celsius(float(match[1]))


def require_celsius(celsius: float) -> float:
    """The same temperature.

    Raises:
        UsageError: no machine has it while it works.
    """
    coolest, hottest = COOL_BELOW_C
    if not coolest <= celsius <= hottest:
        raise UsageError(
            f"{celsius:g} °C is nothing to wait for", remedy=f"write {coolest}C to {hottest}C"
        )
    return celsius


def parse_share(text: str) -> float:
    """Read how narrow an interval is to be: ``2%``, ``0.5 %``; 2 % is 0.02.

    Raises:
        UsageError: the text is not a percentage, or one that ``require_share`` refuses.
    """
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no percentage", remedy="write 2% or 0.5%")
    return require_share(float(match[1]) / 100)


def require_share(share: float) -> float:
    """The same share.

    Raises:
        UsageError: no interval gets as narrow, or one as wide says nothing.
    """
    least, most = _SHARES
    if not least <= share <= most:
        raise UsageError(
            f"{format_share(share)} is no width to wait for",
            remedy=f"write {least:.1%} to {most:.0%}",
        )
    return share


def format_share(share: float) -> str:
    """Write a share as a percentage, to three digits: ``2 %``, ``1.37 %``."""
    return f"{share * 100:.3g} %" if share < 10 else f"{share * 100:.0f} %"


def parse_duration(text: str) -> float:
    """Read a time in seconds: ``90s``, ``10m``, ``1.5h``.

    Raises:
        UsageError: the text is not a time, or one that ``require_duration`` refuses.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no time", remedy="write 90s, 10m or 1h")
    return require_duration(float(match[1]) * _SECONDS[match[2].lower()])


def require_duration(seconds: float) -> float:
    """The same time.

    Raises:
        UsageError: it is less than a second, or beyond 30 days.
    """
    least_s, most_s = _DURATIONS_S
    if not least_s <= seconds <= most_s:
        raise UsageError(
            f"{seconds:g} s is no time to measure for",
            remedy=f"write {format_duration(least_s)} to {format_duration(most_s)}",
        )
    return seconds


def format_duration(seconds: float) -> str:
    """Write a time in the largest unit of which it is a whole number: ``10m``, ``90s``."""
    for suffix in ("h", "m"):
        if seconds % _SECONDS[suffix] == 0:
            return f"{seconds / _SECONDS[suffix]:g}{suffix}"
    return f"{seconds:g}s"


def parse_flag(text: str) -> bool:
    """Read ``on`` or ``off``, ``yes`` or ``no``, ``true`` or ``false``, ``1`` or ``0``.

    Raises:
        UsageError: the text is neither.
    """
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise UsageError(f"{text!r} is neither on nor off", remedy="write on or off")


def convert(value: float, unit: str, to: str) -> float:
    """A figure in another unit of its kind: of time (``ns`` to ``s``) or rate (to ``GiB/s``).

    Raises:
        UsageError: one is no time and no rate, or they differ in kind.
    """
    if unit == to:
        return value
    for measures in _MEASURES:
        if unit in measures and to in measures:
            return value * measures[unit] / measures[to]
    known = ", ".join(name for measures in _MEASURES for name in measures)
    raise UsageError(f"{unit!r} cannot be converted to {to!r}", remedy=f"there are {known}")


def is_unit(text: str) -> bool:
    """Whether a figure may have this unit: one that is known, or one of those by or per a thing.

    ``ns/block``, ``syncs/s`` and ``reads/block`` are units: what is counted is a lower-case word.
    """
    if text in _UNITS:
        return True
    over, slash, under = text.partition("/")
    parts = {over, under} - set(_OF_RATES)
    return bool(slash) and all(re.fullmatch("[a-z]{3,}", one) for one in parts)


def _format_ms(value_ms: float) -> str:
    """To a tenth, and below 1 ms to two digits: a write takes a few thousandths."""
    return f"{value_ms:.1f}" if abs(value_ms) >= 1 or not value_ms else f"{value_ms:.2g}"


def _three_digits(value: float) -> str:
    """At least: what has more before its point keeps them, and never an exponent."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:.0f}"


def format_metric(value: float, unit: str) -> str:
    """Write a metric's value in the unit its reader expects, without the unit."""
    if unit == "B/s":
        return f"{value / 1e9:.3f}"
    if unit == "ns":
        return _format_ms(value / 1e6)
    if unit == "s/GB":
        return f"{value:.3f}"
    if unit == "B":
        return format_bytes_rounded(value)
    return _three_digits(value)
