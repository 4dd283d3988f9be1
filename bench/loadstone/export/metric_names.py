"""Metrics by names of letters, digits and underscores alone, which end in their units."""

import re

from loadstone.model import Metric

# A name may have no slash and begins with no digit, so rates are written out.
_WORDS = {
    **{"B": "bytes", "kB": "kilobytes", "MB": "megabytes", "GB": "gigabytes"},
    **{"KiB": "kibibytes", "MiB": "mebibytes", "GiB": "gibibytes"},
    "s": "seconds",
}
_ONE = {"bytes": "byte", "kilobytes": "kilobyte", "megabytes": "megabyte", "gigabytes": "gigabyte"}
_ONE |= {"seconds": "second", "mebibytes": "mebibyte", "gibibytes": "gibibyte"}


def spelled(metric: Metric) -> tuple[str, str]:
    """A metric's name with its unit, and that unit: ``throughput_bytes_per_second``."""
    unit = _unit(metric.unit)
    stem = metric.name.removesuffix(f"_{metric.unit}").removesuffix(f"_{unit}")
    return f"{_word(stem)}_{unit}", unit


def _unit(unit: str) -> str:
    over, slash, under = unit.partition("/")
    words = _WORDS.get(over, _word(over))
    if not slash:
        return words
    below = _WORDS.get(under, _word(under))
    return f"{words}_per_{_ONE.get(below, below)}"


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text)
