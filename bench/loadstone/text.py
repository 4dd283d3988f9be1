"""Text for people: made safe to print, and a near miss of a name."""

import difflib
from collections.abc import Iterable


def printable(text: str) -> str:
    """A name with escapes for what would break its line or move a terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """The nearest of some names, to be put behind an error; empty where none is near."""
    near = difflib.get_close_matches(text.lower(), known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
