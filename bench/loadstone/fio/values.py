"""Values of fio's options, read as fio reads them."""

import re
from collections.abc import Mapping

from loadstone.errors import UsageError
from loadstone.text import printable

ALIASES = {
    "readwrite": "rw",
    "blocksize": "bs",
    "blocksize_range": "bsrange",
    "blocksize_unaligned": "bs_unaligned",
    "blockalign": "ba",
    "iodepth_batch_submit": "iodepth_batch",
    "io_limit": "io_size",
    "iomem": "mem",
    "timeout": "runtime",
}
"""Other names of options."""

_NUMBER = re.compile(r"(0x[0-9a-f]+|[0-9]+)([a-z]*)", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SECONDS = {"": 1.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_LONGEST = 20


def parse_size(text: str, kb_base: int = 1024) -> int:
    """Read a size in bytes.

    With fio's own ``kb_base`` of 1024, ``4k``, ``4kb`` and ``4ki`` are 4096 bytes, and ``4KiB`` is
    4000; with 1000 it is the other way round, but that ``4ki`` is 4000, too.

    Source: parse.c of fio, and what fio 3.33 reads with each.

    Raises:
        UsageError: it is none, or fio would take another number for it than is written.
    """
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    power, suffix = 0, ""
    if found is not None:
        suffix = found[2].lower()
        power = _POWERS.get(suffix[:1], 0)
    if found is None or suffix not in ("", "b", *(_spellings(suffix[:1]) if power else ())):
        raise UsageError(
            f"{printable(text)!r} is no size", remedy="write 4k, 1m, 2g or plain bytes"
        )
    is_opposite = suffix.endswith("ib")
    step = kb_base if not is_opposite else {1024: 1000, 1000: 1024}[kb_base]
    # A leading 0 is not octal there.
    number = int(found[1], 16 if found[1][:2].lower() == "0x" else 10)
    return number * int(step**power)


def _spellings(letter: str) -> tuple[str, ...]:
    return (letter, f"{letter}b", f"{letter}i", f"{letter}ib")


def parse_count(text: str) -> int:
    """Read a whole number.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError(f"{printable(text)!r} is no number", remedy="write a whole number")
    return int(text)


def parse_seconds(text: str) -> float:
    """Read a time, which is in seconds where it has no unit.

    Raises:
        UsageError: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,12})([a-z]*)", text.lower())
    if found is None or found[2] not in _SECONDS:
        raise UsageError(f"{printable(text)!r} is no time", remedy="write 30, 30s or 5m")
    return int(found[1]) * _SECONDS[found[2]]


def parse_flag(text: str) -> bool:
    """Read whether something is on; an option that stands without a value is.

    Raises:
        UsageError: it is neither.
    """
    if text not in ("", "0", "1"):
        raise UsageError(f"{printable(text)!r} is neither 0 nor 1", remedy="write 0 or 1")
    return text != "0"


def of_direction(text: str, direction: str) -> str:
    """The part of ``reads,writes,trims`` that holds; empty where that is the default.

    The last part holds for those behind it; with a comma at the end those have the default.
    """
    parts = text.split(",")
    return parts[min(("read", "write", "trim").index(direction), len(parts) - 1)]


def kb_base_of(options: Mapping[str, str]) -> int:
    """What a ``k`` is: 1024, or 1000 where the options say so."""
    return 1000 if options.get("kb_base") == "1000" else 1024
