"""The values in small files of /sys and /proc, read as the kernel and its drivers write them.

None stands for a file that is not there or holds something else: never a default.
"""

import re

from loadstone.model import Fact
from loadstone.text import printable

_COUNT = re.compile(r"[0-9]{1,12}")
_NUMBER = re.compile(r"-?[0-9]{1,12}")
# What a double holds exactly, and so does JSON.
_MOST_DIGITS = 17


def parse_count(text: str | None) -> int | None:
    """A number that is never negative."""
    text = (text or "").strip()
    return int(text) if _COUNT.fullmatch(text) else None


def parse_number(text: str | None) -> int | None:
    """A number that may be negative, as a current or a temperature."""
    text = (text or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def parse_word(text: str | None, longest: int) -> str | None:
    """Text that a device or its driver chose: cut, without what would move a terminal's cursor."""
    return printable((text or "").strip()[:longest]) or None


def number_or_text(text: str | None) -> Fact:
    """A count where it is one, else the text as it is."""
    if text is None:
        return None
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else text


def selected_word(text: str | None) -> str | None:
    """The word in brackets of a list of choices: ``madvise`` of ``always [madvise] never``."""
    match = re.search(r"\[(\S+)\]", text or "")
    return match[1] if match else None
