"""Marks of a picture: those of several lines differ in shape, too, for who cannot tell colours."""

from collections.abc import Mapping

from markupsafe import Markup

from loadstone.report.pictures import svg

# In px around their middle, in the order of lines.
_SHAPES = (
    None,
    "M-4-4h8v8h-8z",
    "M0-5.4 5.4 0 0 5.4-5.4 0z",
    "M0-5 5 4H-5z",
    "M0 5 5-4H-5z",
    "M-5-1.6h3.4V-5h3.2v3.4H5v3.2H1.6V5h-3.2V1.6H-5z",
    "M-5-2.5h10v5h-10z",
    "M-2.5-5h5V5h-5z",
)
_POINTS: Mapping[str, str] = {"p50": "", "p99": "5 2", "p99.9": "1.5 2"}


def dot(series: int, x: float, y: float, *, shade: int | None = None, title: str = "") -> Markup:
    """The mark of a line at a place, in its colour or in that of a shade."""
    colour = svg.series(series) if shade is None else f"shade-{shade}"
    attributes = svg.filled(colour)
    # Where colours begin anew, shapes go on by one.
    shape = _SHAPES[(series + series // len(_SHAPES)) % len(_SHAPES)]
    if shade is not None:
        attributes = {**attributes, "stroke": svg.TEXT, "stroke-width": 0.7}
        attributes["class"] = f"{attributes['class']} k-rim"
    if shape is None:
        return svg.element("circle", {**attributes, "cx": x, "cy": y, "r": 4.3}, title=title)
    moved = {"transform": f"translate({x:.1f} {y:.1f})", "d": shape}
    return svg.element("path", {**attributes, **moved}, title=title)


def percentile_mark(name: str, x: float, y: float, height: float) -> Markup:
    """A vertical line that is solid at p50, dashed at p99 and dotted at p99.9."""
    attributes: dict[str, object] = {
        **{"class": "k-whisker", "stroke": svg.TEXT, "stroke-width": 1.6},
        **{"x1": x, "x2": x, "y1": y, "y2": y + height},
    }
    if dashes := _POINTS.get(name):
        attributes["stroke-dasharray"] = dashes
    return svg.element("line", attributes)
