"""Where the name of a point stands, so that it covers nothing."""

from collections.abc import Iterable, Iterator

from loadstone.model import Noun

_HEIGHT_PX = 13.0
_AWAY_PX = 7.0
# From a whisker.
_BESIDE_PX = 3.0


class Box(Noun, frozen=True, kw_only=True):
    """A rectangle in px."""

    left: float
    top: float
    width: float
    height: float

    def meets(self, other: "Box") -> bool:
        """Whether the two have any part in common."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.top < other.top + other.height
            and other.top < self.top + self.height
        )

    def holds(self, other: "Box") -> bool:
        """Whether the other is within this one."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.left + other.width <= self.left + self.width
            and other.top + other.height <= self.top + self.height
        )


def free_place(
    x: float, y: float, width_px: float, taken: Iterable[Box], inside: Box
) -> Box | None:
    """A place beside a point for words so wide; None where each covers something."""
    occupied = list(taken)
    fitting = (
        box
        for box in _around(x, y, width_px)
        if inside.holds(box) and not any(box.meets(other) for other in occupied)
    )
    return next(fitting, None)


def _around(x: float, y: float, width_px: float) -> Iterator[Box]:
    middle, above, below = y - _HEIGHT_PX / 2, y - _AWAY_PX - _HEIGHT_PX, y + _AWAY_PX
    for left, top in (
        *((x + _BESIDE_PX, above), (x + _BESIDE_PX, below)),
        *((x - _BESIDE_PX - width_px, above), (x - _BESIDE_PX - width_px, below)),
        *((x + _AWAY_PX, middle), (x - _AWAY_PX - width_px, middle)),
        *((x - width_px / 2, above), (x - width_px / 2, below)),
    ):
        yield Box(left=left, top=top, width=width_px, height=_HEIGHT_PX)
