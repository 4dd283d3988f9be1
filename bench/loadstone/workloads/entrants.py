"""What `advise` races of a Workload: ways to one end, few at first, then what is near the best."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from loadstone.model import Noun, Value

Choice = Mapping[str, Value]
"""A Case by those of its parameters that differ from the defaults."""


class Into(StrEnum):
    """What the memory is for: a process's own, an accelerator's, or whatever is fastest."""

    ANON = "anon"
    DMA_BUF = "dma-buf"
    ANY = "any"


class Grid(Noun, frozen=True, kw_only=True):
    """Choices that have ``base`` in common and one of the values of each axis.

    Two are neighbours where they differ in one axis alone.
    """

    base: Choice
    axes: tuple[tuple[Choice, ...], ...]

    def points(self) -> Iterator[tuple[tuple[int, ...], Choice]]:
        """Each choice, and where it lies."""
        for place in itertools.product(*(range(len(axis)) for axis in self.axes)):
            chosen: dict[str, Value] = dict(self.base)
            for axis, number in zip(self.axes, place, strict=True):
                chosen |= axis[number]
            yield place, chosen


class Entrants(Noun, frozen=True, kw_only=True):
    """What a race is made of.

    ``first`` begin it, the plainest first. ``plain`` are what everybody does without thinking, and
    what the winner is held against. ``ceilings`` load nothing and show what the device can do.
    ``grids`` have the neighbours of those that lead. ``finals`` are what the winner is tried under
    in the end: further parameters.
    """

    first: tuple[Choice, ...]
    plain: tuple[Choice, ...]
    ceilings: tuple[Choice, ...]
    grids: tuple[Grid, ...]
    finals: tuple[Choice, ...]


def are_neighbours(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two places of a Grid differ in one axis."""
    return sum(a != b for a, b in zip(one, other, strict=True)) == 1


def no_entrants(into: Into) -> None:
    """Of a Workload whose Cases are no ways to one end."""
    del into
