"""A Drawing as SVG of some width: its panels beside and below each other, and its legend."""

import math
import textwrap
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from loadstone.report.escaping import visible
from loadstone.report.pictures import svg
from loadstone.report.pictures.drawing import (
    BarPanel,
    Drawing,
    ForestPanel,
    LanesPanel,
    Panel,
    RidgePanel,
    XYPanel,
)
from loadstone.report.pictures.forest_plot import forest_height_px, forest_plot
from loadstone.report.pictures.lanes_plot import lanes_height_px, lanes_plot
from loadstone.report.pictures.legend import legend
from loadstone.report.pictures.plots import Frame, bar_plot, group, ridge_plot, xy_plot

WIDE_PX, NARROW_PX = 1040, 358
_LEAST_PANEL_PX = 280
_GAP_PX = 28
_XY_HEIGHT_PX = 250.0
_MARGIN_PX = 12.0
_CAPTION_PX = 16.0
# These have a line to themselves.
_WIDE = (RidgePanel, LanesPanel, ForestPanel)


def svg_of(
    drawing: Drawing,
    width_px: int = WIDE_PX,
    *,
    is_file: bool = False,
    caption: Iterable[str] = (),
) -> Markup:
    """A picture as one element that needs no style sheet, but follows the page's.

    Args:
        is_file: it stands alone: with a title, a white ground and a margin.
        caption: sentences below it, each on lines of its own.
    """
    margin_px = _MARGIN_PX if is_file else 0.0
    inside, height_px = _contents(drawing, width_px - 2 * margin_px)
    below, height_px = _caption(caption, height_px, width_px - 2 * margin_px)
    top_px = 26.0 if is_file else 0.0
    height_px = math.ceil(height_px + top_px + 2 * margin_px)
    moved = svg.element(
        "g", {"transform": f"translate({margin_px:g} {margin_px + top_px:g})"}, *inside, *below
    )
    return svg.element(
        "svg",
        {
            **({"xmlns": "http://www.w3.org/2000/svg"} if is_file else {}),
            "width": width_px,
            "height": height_px,
            "viewBox": f"0 0 {width_px} {height_px}",
            "role": "img",
            "aria-label": drawing.title,
            "font-family": "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif",
            "font-size": svg.FONT_PX,
        },
        *(_ground(drawing, width_px, height_px, margin_px) if is_file else ()),
        svg.element("desc", {}, text=_described(drawing)),
        moved,
        title=drawing.title,
    )


def _ground(
    drawing: Drawing, width_px: float, height_px: float, margin_px: float
) -> tuple[Markup, ...]:
    return (
        svg.element("rect", {"width": width_px, "height": height_px, "fill": svg.PAGE}),
        svg.text(margin_px, margin_px + 12, drawing.title, kind="text", bold=True),
    )


def _contents(drawing: Drawing, width_px: float) -> tuple[list[Markup], float]:
    panels = drawing.panels
    columns = _columns(panels, width_px)
    panel_px = (width_px - (columns - 1) * _GAP_PX) / columns
    drawn: list[Markup] = []
    top_px = 0.0
    for first in range(0, len(panels), columns):
        row = panels[first : first + columns]
        height_px = max(_height_px(panel, panel_px) for panel in row)
        drawn += (
            _plot(panel, Frame(x=place * (panel_px + _GAP_PX), y=top_px, width=panel_px))
            for place, panel in enumerate(row)
        )
        top_px += height_px + 16
    keys, keys_px = legend(drawing.keys, drawing.keys_heading, top_px, width_px)
    return [*drawn, *keys], top_px + keys_px


def _caption(
    sentences: Iterable[str], top_px: float, width_px: float
) -> tuple[list[Markup], float]:
    letters = svg.letters_in(width_px)
    lines = [line for one in sentences for line in textwrap.wrap(visible(one), letters)]
    drawn = [
        svg.text(0, top_px + (place + 1) * _CAPTION_PX, line) for place, line in enumerate(lines)
    ]
    return drawn, top_px + len(lines) * _CAPTION_PX


def _columns(panels: Sequence[Panel], width_px: float) -> int:
    """How many panels stand beside each other: as many as fit, all rows about as long."""
    if any(isinstance(panel, _WIDE) for panel in panels):
        return 1
    most = max(min(len(panels), int(width_px // _LEAST_PANEL_PX)), 1)
    return math.ceil(len(panels) / math.ceil(len(panels) / most))


def _height_px(panel: Panel, width_px: float) -> float:
    match panel:
        case XYPanel():
            return _XY_HEIGHT_PX
        case BarPanel():
            return 42.0 + sum(8 + 13 * len(row.bars) for row in panel.rows)
        case RidgePanel():
            return 42.0 + 46 * len(panel.ridges)
        case LanesPanel():
            return lanes_height_px(panel, width_px)
        case ForestPanel():
            return forest_height_px(panel)


def _plot(panel: Panel, frame: Frame) -> Markup:
    match panel:
        case XYPanel():
            return xy_plot(panel, frame, _XY_HEIGHT_PX)
        case BarPanel():
            return bar_plot(panel, frame)
        case RidgePanel():
            return ridge_plot(panel, frame)
        case LanesPanel():
            return group(frame, *lanes_plot(panel, frame.width))
        case ForestPanel():
            return group(frame, *forest_plot(panel, frame.width))


def _described(drawing: Drawing) -> str:
    headings = "; ".join(panel.heading for panel in drawing.panels)
    keys = ", ".join(key.text for key in drawing.keys if key.series is not None)
    return f"{headings}. {drawing.about}" + (f" {keys}." if keys else "")
