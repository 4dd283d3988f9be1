"""A forest plot as SVG: of each Case the ratio, its interval, the verdict, and what moved."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from loadstone.analysis.comparison import Verdict
from loadstone.report.forest import ForestRow
from loadstone.report.pictures import svg
from loadstone.report.pictures.drawing import ForestPanel

_HEADING_PX, _TICKS_PX = 22.0, 18.0
_ROW_PX, _MOVED_PX, _GAP_PX = 18.0, 14.0, 6.0
_WORDS_PX = 250.0
_MOST_NAMES = 0.36
_COLOURS: Mapping[Verdict, str] = {Verdict.FASTER: svg.SERIES[2], Verdict.SLOWER: svg.SERIES[1]}


def forest_height_px(panel: ForestPanel) -> float:
    """How high the plot is."""
    return _HEADING_PX + sum(map(_row_px, panel.forest.rows)) + _TICKS_PX


def forest_plot(panel: ForestPanel, width_px: float) -> Iterator[Markup]:
    """The elements, from the panel's own corner on."""
    forest = panel.forest
    names_px = min(max(svg.width_px(row.label) for row in forest.rows) + 8, _MOST_NAMES * width_px)
    width = width_px - names_px - _WORDS_PX
    bottom = _HEADING_PX + sum(map(_row_px, forest.rows))
    yield svg.text(0, 11, svg.shortened(f"{forest.metric}, {forest.design}", width_px), bold=True)
    low, high = (names_px + width * at / 100 for at in forest.band)
    shape = {"x": low, "y": _HEADING_PX, "width": high - low, "height": bottom - _HEADING_PX}
    yield svg.element("rect", {**shape, "fill": svg.GRID, "opacity": ".6"})
    for tick in forest.ticks:
        x = names_px + width * tick.at / 100
        kind = "base" if tick.label == "0 %" else "grid"
        yield svg.line(x, _HEADING_PX, x, bottom, kind=kind)
        yield svg.text(x, bottom + 14, tick.label, anchor="middle")
    top = _HEADING_PX
    for row in forest.rows:
        yield from _row(row, top, names_px, width)
        top += _row_px(row)


def _row_px(row: ForestRow) -> float:
    return _ROW_PX + (_MOVED_PX if row.moved else 0) + _GAP_PX


def _row(row: ForestRow, top: float, names_px: float, width: float) -> Iterator[Markup]:
    colour = _COLOURS.get(row.verdict, svg.MUTED)
    middle = top + _ROW_PX / 2
    low, at, high = (names_px + width * one / 100 for one in (row.low, row.at, row.high))
    title = f"{row.label}: {row.verdict.value}, {row.change}, 95 % interval {row.bounds}"
    label = svg.shortened(row.label, names_px - 8)
    yield svg.text(names_px - 8, middle + 4, label, anchor="end", kind="text")
    shape: dict[str, object] = {"x1": low, "x2": high, "y1": middle, "y2": middle}
    yield svg.element("line", {**shape, "stroke": colour, "stroke-width": 2})
    yield svg.element("circle", {"cx": at, "cy": middle, "r": 4.5, "fill": colour}, title=title)
    words = f"{row.verdict.value} {row.change}, {row.bounds}"
    yield svg.text(names_px + width + 16, middle + 4, words, kind="text")
    if row.moved:
        moved = svg.shortened("; ".join(row.moved), width + _WORDS_PX - 16)
        yield svg.text(names_px, middle + 4 + _MOVED_PX, moved)
