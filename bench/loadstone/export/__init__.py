"""Runs in foreign formats. Each module of this package with a ``SUFFIX`` is one.

A format module has ``SUMMARY`` (what it is for), ``SUFFIX`` (of its files) and ``render(run)``,
which gives the whole of a file: text, or bytes where programs read no text. One that is of many
Runs has ``render_all(runs)`` as well; one that cannot hold all figures says what it left out with
``notes(runs)``. Only Trials that count are exported, and each format says what clock the figures
were taken by.
"""

import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, runtime_checkable

from loadstone.errors import UsageError
from loadstone.export.figures import left_out
from loadstone.model import Run
from loadstone.text import printable


class Format(Protocol):
    """One module of this package."""

    SUMMARY: str
    SUFFIX: str

    def render(self, run: Run) -> str | bytes:
        """The Run as the contents of a file.

        Raises:
            CannotMeasureError: the Run has nothing that the format could hold, or a package that
                writes it is not installed.
        """


@runtime_checkable
class FormatOfMany(Protocol):
    """One that holds many Runs."""

    def render_all(self, runs: Sequence[Run]) -> str | bytes:
        """The Runs as the contents of one file.

        Raises:
            CannotMeasureError: as of ``render``, or they have no common unit.
        """


@runtime_checkable
class SelectiveFormat(Protocol):
    """One that cannot hold all figures."""

    def notes(self, runs: Sequence[Run]) -> list[str]:
        """A line for each thing that is left out."""


@cache
def formats() -> Mapping[str, Format]:
    """All formats by name."""
    modules = {
        info.name.replace("_", "-"): import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    }
    return {name: module for name, module in modules.items() if hasattr(module, "SUFFIX")}


def find_format(name: str, runs: int = 1) -> Format:
    """The format of that name.

    Args:
        runs: how many it is to hold.

    Raises:
        UsageError: there is none, or it does not hold as many.
    """
    known = formats()
    if name not in known:
        raise UsageError(
            f"--format {printable(name)}: no such format", remedy=f"there are {', '.join(known)}"
        )
    if runs > 1 and not isinstance(known[name], FormatOfMany):
        many = ", ".join(key for key, one in known.items() if isinstance(one, FormatOfMany))
        raise UsageError(f"--format {name} is of one Run", remedy=f"name one, or take {many}")
    return known[name]


def render(found: Format, runs: Sequence[Run]) -> str | bytes:
    """Runs in a format; several only in one of many.

    Raises:
        CannotMeasureError: as of ``Format.render``.
    """
    if isinstance(found, FormatOfMany):
        return found.render_all(runs)
    (run,) = runs
    return found.render(run)


def notes(found: Format, runs: Sequence[Run]) -> list[str]:
    """What has no figures in these Runs, or none that the format can hold."""
    own = found.notes(runs) if isinstance(found, SelectiveFormat) else []
    if len(runs) == 1:
        return [*left_out(runs[0]), *own]
    return [*(f"{run.id}: {line}" for run in runs for line in left_out(run)), *own]
