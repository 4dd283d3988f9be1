"""Tunables of the kernel that are changed for a while, and put back whatever happens."""

import contextlib
import re
from collections.abc import Iterator

from loadstone.provision.journal import Journal
from loadstone.targets import Target

_SELECTED = re.compile(r"\[(\S+)\]")


def selected(text: str) -> str:
    """A tunable's value: the whole text, or of several words the one in brackets."""
    found = _SELECTED.search(text)
    return found[1] if found else text.strip()


@contextlib.contextmanager
def kept_tunable(target: Target, journal: Journal, path: str) -> Iterator[str | None]:
    """Put a tunable back at the end, as it is now.

    Args:
        path: of a small file of sysfs or procfs that the journal knows how to restore.

    Yields:
        Its value, or None where this kernel has no such tunable.

    Raises:
        RunError: the journal cannot be written.
    """
    text = target.read_text(path)
    if text is None:
        yield None
        return
    value = selected(text)
    with journal.registered("tunable", path, value):
        yield value
