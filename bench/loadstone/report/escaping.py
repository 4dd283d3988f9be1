"""Strings that a device may have named, made fit to be shown."""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")


def visible(text: str) -> str:
    """Characters that would not show, or turn the text around them, as a replacement."""
    return text if text.isprintable() else "".join(map(_visible_character, text))


def with_code(text: str) -> Markup:
    """What stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(visible(text)))))


def _visible_character(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"
