"""Runs in foreign formats. Each module of this package with a ``SUFFIX`` is one.

A format module has ``SUMMARY`` (what it is for), ``SUFFIX`` (of its files) and ``render(run)``,
which gives the whole text. Only Trials that count are exported, and each format says what clock
the figures were taken by.
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Protocol

from loadstone.errors import UsageError
from loadstone.model import Run
from loadstone.text import printable


class Format(Protocol):
    """One module of this package."""

    SUMMARY: str
    SUFFIX: str

    def render(self, run: Run) -> str:
        """The Run as the text of a file.

        Raises:
            CannotMeasureError: the Run has nothing that the format could hold.
        """


@cache
def formats() -> Mapping[str, Format]:
    """All formats by name."""
    modules = {
        info.name: import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    }
    return {name: module for name, module in modules.items() if hasattr(module, "SUFFIX")}


def find_format(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none.
    """
    known = formats()
    if name not in known:
        raise UsageError(
            f"--format {printable(name)}: no such format", remedy=f"there are {', '.join(known)}"
        )
    return known[name]
