"""Text for people: made safe to print, and a near miss of a name."""

import difflib
import re
from collections.abc import Iterable

_LONGEST_COMMAND = 32
_LONG_PATH = re.compile(r"(/[\w.@:+-]+)(?:/[\w.@:+-]+)+(/[\w.@:+-]+)")
_DIRECTORIES = re.compile(r"(?<![\w./…@:+-])(?:[\w.@:+-]+/)+(?=[\w.@:+-])")


def printable(text: str) -> str:
    """A name with escapes for what would break its line or move a terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def shortened(command: str, longest: int = _LONGEST_COMMAND) -> str:
    """A shell command in one line of at most so many characters.

    Long paths lose their middle, relative ones their directories, and what is still too long loses
    its own middle.
    """
    line = printable(" ".join(command.split()))
    if len(line) > longest:
        line = _LONG_PATH.sub(r"\1/…\2", line)
    if len(line) > longest:
        line = _DIRECTORIES.sub("…/", line)
    if len(line) > longest:
        half = longest // 2
        line = f"{line[: half - 1].rstrip()}…{line[-half:].lstrip()}"
    return line


def knob_words(value: str) -> str:
    """A knob's value for a label: of a command, which is in brackets, what ``shortened`` leaves."""
    return f"[{shortened(value[1:-1])}]" if value.startswith("[") else value


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """The nearest of some names, to be put behind an error; empty where none is near."""
    near = difflib.get_close_matches(text.lower(), known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
