"""The two sides of a comparison on a command line: ``BASE NEW``, or ``BASE… -- NEW…``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from loadstone.cli._output import load
from loadstone.errors import UsageError
from loadstone.model import Run

_Command = TypeVar("_Command", bound=Callable[..., Any])

_BREAK = "--"
_META = "loadstone.news"


class TwoSides(click.Command):
    """Keeps what stands behind ``--``, which click would not tell apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if _BREAK in args:
            at = args.index(_BREAK)
            ctx.meta[_META] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


class Sides(NamedTuple):
    """The Runs of each side; ``news`` is empty where Cases of one Run are compared."""

    bases: tuple[Run, ...]
    news: tuple[Run, ...]


def runs_argument(command: _Command) -> _Command:
    """The Runs, given to the command as ``runs``; for a command of the class ``TwoSides``."""
    return click.argument(
        "runs", nargs=-1, required=True, metavar="BASE NEW | BASE... -- NEW... | RUN --by PARAMETER"
    )(command)


def load_sides(runs: Sequence[str], by: str | None, results: Path) -> Sides:
    """Load the Runs that were named.

    Raises:
        UsageError: it cannot be told which is compared with which.
        RunError: there is no such Run.
    """
    news: tuple[str, ...] = click.get_current_context().meta.get(_META, ())
    bases = tuple(runs)
    if not news and len(bases) == 2:
        bases, news = bases[:1], bases[1:]
    if by is None and not news and len(bases) > 2:
        raise UsageError(
            f"{len(bases)} Runs are named, and which of them are NEW is not",
            remedy=f"write BASE… {_BREAK} NEW…",
        )
    _require_other_side(bases, news, by)
    loaded = (tuple(load(one, results) for one in side) for side in (bases, news))
    return Sides(*loaded)


def _require_other_side(bases: Sequence[str], news: Sequence[str], by: str | None) -> None:
    from loadstone.analysis.within_run import require_other_side

    require_other_side(bool(news) or len(bases) > 1, by)
