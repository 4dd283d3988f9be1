"""Texts of a Run as GitHub-flavoured Markdown: shown as they are, whatever they hold."""

import re
from collections.abc import Sequence

from loadstone.text import printable

# A pipe would end its cell even behind a backslash that is one itself.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
# Brackets alone are none of a link: lines begin with words of ours, so no reference is defined.
_SPECIAL = re.compile(r"[\\`*~&<>|]|\](?=\()|(?<![^\W_])_|_(?![^\W_])")
_CODE = re.compile(r"`([^`]*[^`\s][^`]*)`")
# What GitHub makes a mention, a reference, a link, a picture or a formula of, but not in code.
_TRIGGER = re.compile(r"[@$]|#\d|://|www\.|:[\w+-]+:", re.IGNORECASE)
_LINK = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)


def inline(text: str) -> str:
    """A text within a line, for the middle of it or a cell of a table."""
    escaped = _SPECIAL.sub(lambda found: _escaped(found[0]), printable(text))
    if not _TRIGGER.search(escaped):
        return escaped
    unlinked = _LINK.sub(lambda found: f"&#{ord(found[0])};", escaped)
    return f"<code>{unlinked}</code>"


def prose(text: str) -> str:
    """A sentence outside of a table, in which code may stand between backticks."""
    parts = _CODE.split(printable(text))
    return "".join(f"`{part}`" if at % 2 else inline(part) for at, part in enumerate(parts))


def table(headings: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> str:
    """A table with a line a row.

    Args:
        headings: each a text, and whether its column has figures, which stand on the right.
        rows: cells that are Markdown already.
    """
    lines = (
        [inline(text) for text, _ in headings],
        ["--:" if is_figure else ":--" for _, is_figure in headings],
        *rows,
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(character: str) -> str:
    return _ENTITIES.get(character, f"\\{character}")
