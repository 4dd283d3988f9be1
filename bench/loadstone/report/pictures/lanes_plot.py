"""The time line of a Trial as SVG: a lane a thread, a bar a span, and what each name sums to."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from loadstone.report.lanes import Bar
from loadstone.report.pictures import svg
from loadstone.report.pictures.drawing import LanesPanel
from loadstone.report.timeline import Timeline, Total

# As the style sheet of a report has them on a light page.
SPAN_COLOURS: Mapping[str, str] = {
    **{"c-open": "#b8860b", "c-allocate": "#e08a1e", "c-prepare": "#8a63d2", "c-read": "#3c82c8"},
    **{"c-export": "#d0559b", "c-map": "#23967f", "c-sync": "#c8452f", "c-release": "#98a2ad"},
    **{f"c-{place}": svg.SERIES[place] for place in range(4)},
}
_HEAD_PX, _TICKS_PX, _LEGEND_PX = 34.0, 20.0, 18.0
_LANE_NAMES_PX, _RIGHT_PX = 78.0, 14.0
_BAR_PX, _SWATCH_PX, _GAP_PX = 14, 16.0, 14.0


def lanes_height_px(panel: LanesPanel, width_px: float) -> float:
    """How high a time line of that width is, its legend included."""
    lines = max(line for line, _, _ in _legend_places(panel.timeline, width_px)) + 1
    return _HEAD_PX + panel.timeline.height + _TICKS_PX + lines * _LEGEND_PX


def lanes_plot(panel: LanesPanel, width_px: float) -> Iterator[Markup]:
    """The elements, from the panel's own corner on."""
    shown = panel.timeline
    left, width = _LANE_NAMES_PX, width_px - _LANE_NAMES_PX - _RIGHT_PX
    bottom = _HEAD_PX + shown.height
    yield svg.text(0, 11, svg.shortened(shown.label, width_px), kind="text", bold=True)
    ready = f"ready {shown.ready_text}, " if shown.ready_text else ""
    yield svg.text(0, 26, f"{ready}busy {shown.busy_text}, round {shown.round}")
    for tick in shown.axis.ticks:
        x = left + width * tick.at / 100
        yield svg.line(x, _HEAD_PX, x, bottom, kind="grid" if tick.at else "base")
        label = tick.label if tick.at else f"{tick.label} {shown.axis.unit}"
        yield svg.text(x, bottom + 14, label, anchor="middle" if tick.at else "start")
    for lane in shown.lanes:
        yield svg.text(0, _HEAD_PX + lane.y + 11, lane.label, kind="text")
        yield from (_bar(bar, left, width) for bar in lane.bars)
    for at, dashes in ((shown.ready, ""), (shown.cut, "2 2")):
        if at is not None:
            yield _mark(left + width * at / 100, bottom, dashes)
    for line, x, total in _legend_places(shown, width_px):
        y = bottom + _TICKS_PX + line * _LEGEND_PX + 11
        shape = {"x": x, "y": y - 9, "width": 10, "height": 10}
        yield svg.element("rect", {**shape, "fill": SPAN_COLOURS[total.colour]})
        yield svg.text(x + _SWATCH_PX, y, f"{total.name} {total.text}")


def _bar(bar: Bar, left: float, width: float) -> Markup:
    shape = {"x": left + width * bar.x / 100, "y": _HEAD_PX + bar.y, "height": _BAR_PX}
    # A pixel at least: what took no time to speak of was there.
    shape["width"] = max(width * bar.width / 100, 1.0)
    return svg.element("rect", {**shape, "fill": SPAN_COLOURS[bar.colour]}, title=bar.title)


def _mark(x: float, bottom: float, dashes: str) -> Markup:
    shape: dict[str, object] = {"x1": x, "x2": x, "y1": _HEAD_PX - 3, "y2": bottom + 3}
    dashed = {"stroke-dasharray": dashes} if dashes else {}
    return svg.element("line", {**shape, **dashed, "stroke": svg.TEXT, "stroke-width": 1.4})


def _legend_places(shown: Timeline, width_px: float) -> Iterator[tuple[int, float, Total]]:
    """The sums below each other where there is no room beside: line, place in it, and which."""
    line, x = 0, _LANE_NAMES_PX
    for total in shown.totals:
        needed_px = _SWATCH_PX + svg.width_px(f"{total.name} {total.text}")
        if x > _LANE_NAMES_PX and x + needed_px > width_px:
            line, x = line + 1, _LANE_NAMES_PX
        yield line, x, total
        x += needed_px + _GAP_PX
