"""What is drawn, before anybody says how wide: panels with axes, lines, bars and distributions."""

from loadstone.model import Column, Noun
from loadstone.report.forest import Forest
from loadstone.report.scale import Axis, unit_of_axis
from loadstone.report.timeline import Timeline

# Of counts and shares, as their headings say.
_NO_UNITS = ("", "count", "B/B")


class Mark(Noun, frozen=True, kw_only=True):
    """A point: ``x`` and ``y`` are in the units of its panel's axes.

    ``x_ends`` and ``y_ends`` are those of intervals, where they are known. ``shade`` is the place
    of a key whose colour it has, instead of its line's. ``label`` stands beside it.
    """

    x: float
    y: float
    title: str = ""
    label: str = ""
    x_ends: tuple[float, float] | None = None
    y_ends: tuple[float, float] | None = None
    shade: int | None = None


class Line(Noun, frozen=True, kw_only=True):
    """Points of one colour; ``series`` is the place of their key."""

    series: int
    marks: tuple[Mark, ...]
    is_joined: bool = True
    has_dots: bool = True


class XYPanel(Noun, frozen=True, kw_only=True):
    """Points in two directions; ``timed_from`` is where on ``x`` a line divides them."""

    heading: str
    x_heading: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    timed_from: float | None = None


class Bar(Noun, frozen=True, kw_only=True):
    """A figure as a length, with its text; None where it is unknown."""

    series: int
    value: float | None
    text: str
    title: str = ""
    ends: tuple[float, float] | None = None


class BarRow(Noun, frozen=True, kw_only=True):
    """Bars under each other, that are about one thing."""

    label: str
    bars: tuple[Bar, ...]


class BarPanel(Noun, frozen=True, kw_only=True):
    """Rows of bars on one axis, which begins at zero."""

    heading: str
    x: Axis
    rows: tuple[BarRow, ...]


class Ridge(Noun, frozen=True, kw_only=True):
    """A distribution: ``parts`` are what falls in equal parts of the axis, the most being 1.

    ``points`` are percentiles by their names, on the axis; ``figures`` says them, where there is
    room.
    """

    label: str
    figures: str
    title: str
    parts: tuple[float, ...]
    points: tuple[tuple[str, float], ...]


class RidgePanel(Noun, frozen=True, kw_only=True):
    """Distributions below each other, on one axis."""

    heading: str
    x: Axis
    ridges: tuple[Ridge, ...]


class LanesPanel(Noun, frozen=True, kw_only=True):
    """The time line of a Trial."""

    timeline: Timeline

    @property
    def heading(self) -> str:
        return self.timeline.label


class ForestPanel(Noun, frozen=True, kw_only=True):
    """A Comparison, a row a Case."""

    forest: Forest

    @property
    def heading(self) -> str:
        return self.forest.metric


Panel = XYPanel | BarPanel | RidgePanel | LanesPanel | ForestPanel


class Key(Noun, frozen=True, kw_only=True):
    """An entry of the legend: of a line or bars by their place, or of a shade."""

    text: str
    series: int | None = None
    shade: int | None = None
    point: str | None = None


class Drawing(Noun, frozen=True, kw_only=True):
    """A picture of a Run: ``name`` serves as that of a file, ``about`` says how to read it."""

    name: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    keys: tuple[Key, ...] = ()
    keys_heading: str = ""


def heading_of(column: Column, axis: Axis) -> str:
    """What a column's axis is headed by: with its unit, unless each mark has that."""
    unit = axis.unit or ("" if column.unit in ("ns", "B") else unit_of_axis(column.unit))
    is_said = unit in _NO_UNITS or unit == column.heading
    return column.heading if is_said else f"{column.heading}, {unit}"
