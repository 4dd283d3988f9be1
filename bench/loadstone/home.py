"""The ``~`` of a home directory, which shells expand and nothing else does."""

import re

from loadstone.errors import UsageError
from loadstone.text import printable

_TILDE = re.compile(r"~[A-Za-z0-9._-]*(/|$)")


def require_no_tilde(name: str, path: str) -> None:
    """Refuse a path that begins with ``~``: nobody means a directory of this name.

    A shell leaves it alone behind ``=`` and in quotes, and so would this program, which would look
    for it in the working directory, or make it there.

    Args:
        name: the option or variable that it is the value of, empty where it stands alone.

    Raises:
        UsageError: it begins so.
    """
    if not _TILDE.match(path):
        return
    raise UsageError(
        f"{name} {printable(path)}".strip() + ": no shell has expanded the ~",
        remedy=f"write the whole path{_blank(name, path)}, or ./{printable(path)} for one that is "
        "called so",
    )


def _blank(name: str, path: str) -> str:
    return f", or {name} {printable(path)} with a blank for the =" if name.startswith("--") else ""
