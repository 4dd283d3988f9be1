"""``{file}`` in a shell command: where it may stand, and the file's path in its place."""

import shlex
from collections.abc import Iterator

from loadstone.errors import UsageError
from loadstone.text import shortened

FILE = "{file}"
ENVIRONMENT = "LOADSTONE_MODEL"
"""The variable that has the file's path, too."""

_QUOTES = "'\""


def check_placeholder(command: str) -> None:
    """Refuse ``{file}`` within quotes, where a path that is quoted itself would not be one word.

    Raises:
        UsageError: it stands there.
    """
    for _, quote in _places(_unquoted(command)):
        if quote:
            raise UsageError(
                f"command: {FILE} stands within quotes in {shortened(command)}",
                remedy=f"write {FILE} outside of them, where it is quoted for the shell; or read "
                f"the path from ${ENVIRONMENT}",
            )


def with_file(command: str, path: str) -> str:
    """The command with the path, quoted for a POSIX shell, in place of each ``{file}``."""
    return _unquoted(command).replace(FILE, shlex.quote(path))


def names_file(command: str) -> bool:
    """Whether the command can tell which file is meant."""
    return FILE in command or ENVIRONMENT in command


def _unquoted(command: str) -> str:
    """With ``{file}`` alone where it has quotes of its own, which are not needed."""
    for start, _ in reversed(list(_places(command))):
        end = start + len(FILE)
        before, after = command[start - 1 : start], command[end : end + 1]
        if before and before == after and before in _QUOTES and _opens(command, start - 1):
            command = command[: start - 1] + FILE + command[end + 1 :]
    return command


def _opens(command: str, position: int) -> bool:
    """Whether a quote that stands there opens a text: nothing else is open, and it is no mere
    character."""
    return _state_at(command, position) == ""


def _places(command: str) -> Iterator[tuple[int, str]]:
    """Where each ``{file}`` begins, and the quote that is open there, or nothing."""
    position = command.find(FILE)
    while position >= 0:
        yield position, _state_at(command, position)
        position = command.find(FILE, position + 1)


def _state_at(command: str, end: int) -> str:
    """The quote that is open before a place; a backslash where it makes that a character."""
    quote, position = "", 0
    while position < end:
        char = command[position]
        if char == "\\" and quote != "'":
            position += 1
            if position == end:
                return "\\"
        elif not quote and char in _QUOTES:
            quote = char
        elif char == quote:
            quote = ""
        position += 1
    return quote
