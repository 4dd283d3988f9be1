"""The legend of a picture, its entries in as many lines as they need."""

from collections.abc import Sequence

from markupsafe import Markup

from loadstone.report.pictures import svg
from loadstone.report.pictures.drawing import Key
from loadstone.report.pictures.shapes import dot, percentile_mark

_LINE_PX = 18
_BOX_PX = 18
_GAP_PX = 16


def legend(
    keys: Sequence[Key], heading: str, top_px: float, width_px: float
) -> tuple[list[Markup], float]:
    """The entries from left to right, and the height that they take."""
    if not keys:
        return [], 0.0
    drawn: list[Markup] = []
    x_px, y_px = 0.0, top_px + 12
    if heading:
        drawn.append(svg.text(0, y_px, heading, bold=True))
        x_px = svg.width_px(heading) + _GAP_PX
    for key in keys:
        words = svg.shortened(key.text, width_px - _BOX_PX)
        needed_px = _BOX_PX + svg.width_px(words)
        if x_px and x_px + needed_px > width_px:
            x_px, y_px = 0.0, y_px + _LINE_PX
        drawn += [_swatch(key, x_px, y_px), svg.text(x_px + _BOX_PX, y_px, words)]
        x_px += needed_px + _GAP_PX
    return drawn, y_px - top_px + 10


def _swatch(key: Key, x_px: float, y_px: float) -> Markup:
    if key.point is not None:
        return percentile_mark(key.point, x_px + 7, y_px - 10, 11)
    if key.shade is not None:
        return svg.element(
            "rect",
            {
                **svg.filled(f"shade-{key.shade}"),
                "x": x_px,
                "y": y_px - 9,
                "width": 13,
                "height": 10,
            },
        )
    return dot(key.series or 0, x_px + 7, y_px - 4)
