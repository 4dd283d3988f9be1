"""In which order Runs were made, and what tells so. The clock may have been set in between."""

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import msgspec

from loadstone.model import Run
from loadstone.text import printable

_T = TypeVar("_T")


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says of when its Run was begun."""

    created: str = ""
    sequence: int = 0
    series: str = ""
    boot: str = ""
    boottime_ns: int = 0

    @property
    def words(self) -> str:
        """When it was begun, by the clock."""
        return f"{printable(self.created[:19].replace('T', ' '))} UTC"


class Basis(StrEnum):
    """What tells which of two Runs was made first."""

    SEQUENCE = "sequence"
    BOOT_TIME = "boot time"
    CLOCK = "clock"


def beginning_of(run: Run) -> Beginning:
    """When a Run was begun."""
    manifest = run.manifest
    return Beginning(**{name: getattr(manifest, name) for name in Beginning.__struct_fields__})


def compare_beginnings(one: Beginning, other: Beginning) -> tuple[int, Basis]:
    """Which of two Runs was made first.

    Returns:
        Below 0 where that was ``one``, above 0 where it was the other, 0 where neither; and
        what that is known by.
    """
    if one.series and one.series == other.series and one.sequence != other.sequence:
        return one.sequence - other.sequence, Basis.SEQUENCE
    if one.boot and one.boot == other.boot:
        return one.boottime_ns - other.boottime_ns, Basis.BOOT_TIME
    return (one.created > other.created) - (one.created < other.created), Basis.CLOCK


def in_order(
    numbered: Iterable[_T], series: Callable[[_T], str], begun_s: Callable[[_T], float]
) -> list[_T]:
    """Runs, the oldest first: those of one series by their numbers, several by the clock.

    Where the clock was set back it stands still. Runs without a series were made by an earlier
    loadstone, and come first.

    Args:
        numbered: those of a series are in the order of their numbers.
        series: the series of one, or empty.
        begun_s: when one was begun, by its clock, in s since 1970.
    """
    latest_s: dict[str, float] = {}
    reached: list[tuple[bool, float, _T]] = []
    for one in numbered:
        own, at_s = series(one), begun_s(one)
        if own:
            latest_s[own] = at_s = max(latest_s.get(own, -math.inf), at_s)
        reached.append((own != "", at_s, one))
    return [one for *_, one in sorted(reached, key=lambda place: place[:2])]


def order_warnings(base: Run, new: Run) -> list[str]:
    """That NEW was made before BASE, where it was, or seems to have been."""
    if any(run.manifest.environment.is_imported for run in (base, new)):
        return _imported_order_warnings(base, new)
    before, after = beginning_of(base), beginning_of(new)
    order, basis = compare_beginnings(before, after)
    if order <= 0 or _had_begun(base, new):
        return []
    clocks = f"by the clock NEW was begun {after.words}, BASE {before.words}"
    match basis:
        case Basis.SEQUENCE:
            numbers = f"number {after.sequence} of its results directory, BASE {before.sequence}"
            return [f"NEW was made before BASE: it is {numbers}; {clocks}"]
        case Basis.BOOT_TIME:
            return [f"NEW was made before BASE, in the same boot; {clocks}"]
        case Basis.CLOCK:
            return [f"{clocks}: NEW was made first, unless the clock was set in between"]


def _imported_order_warnings(base: Run, new: Run) -> list[str]:
    """By the clocks of those who measured: when a result was imported says nothing."""
    starts = [min((trial.started for trial in run.trials), default="") for run in (base, new)]
    if not all(starts) or starts[0] <= starts[1]:
        return []
    before, after = (Beginning(created=start).words for start in starts)
    return [f"by the clocks of those who measured, NEW was begun {after}, BASE {before}"]


def _had_begun(base: Run, new: Run) -> bool:
    """Whether BASE had begun when NEW's last Trial started: such Runs were made together."""
    if not new.trials:
        return False
    last, manifest = new.trials[-1], base.manifest
    if last.boot or manifest.boot:
        return last.boot == manifest.boot and last.boottime_ns >= manifest.boottime_ns
    return last.started >= manifest.created
