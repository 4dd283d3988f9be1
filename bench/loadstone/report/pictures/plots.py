"""Each sort of panel as SVG: axes with their marks, and what stands in them."""

from collections.abc import Sequence

from markupsafe import Markup

from loadstone.model import Noun
from loadstone.report.pictures import svg
from loadstone.report.pictures.drawing import (
    Bar,
    BarPanel,
    BarRow,
    Line,
    Mark,
    Ridge,
    RidgePanel,
    XYPanel,
)
from loadstone.report.pictures.labels import Box, free_place
from loadstone.report.pictures.shapes import dot, percentile_mark
from loadstone.report.scale import Axis

_HEADING_PX = 22.0
_TICKS_PX = 18.0
_TITLE_PX = 16.0
_BAR_PX, _ROW_GAP_PX = 13, 8
_MOST_LABELLED = 60
_RIDGE_PX, _RIDGE_TOP_PX = 46, 16


class Frame(Noun, frozen=True, kw_only=True):
    """Where a panel is, and how wide."""

    x: float
    y: float
    width: float


class _Area(Noun, frozen=True, kw_only=True):
    """The inner part of a panel, in which axes run."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def x(self, percent: float) -> float:
        return self.left + self.width * percent / 100

    def y(self, percent: float) -> float:
        return self.bottom - self.height * percent / 100


def xy_plot(panel: XYPanel, frame: Frame, height_px: float) -> Markup:
    """Points and lines, with whiskers for their intervals."""
    labels_px = max(svg.width_px(tick.label) for tick in panel.y.ticks) + 8
    area = _Area(
        left=labels_px,
        top=_HEADING_PX,
        width=frame.width - labels_px - 14,
        height=height_px - _HEADING_PX - _TICKS_PX - _TITLE_PX,
    )
    marks = [mark for line in panel.lines for mark in line.marks]
    return group(
        frame,
        svg.text(0, 11, panel.heading, bold=True),
        *_y_axis(panel.y, area),
        *_x_axis(panel.x, area, panel.x_heading),
        *_divided(panel, area),
        *(part for line in panel.lines for part in _joined(line, panel, area)),
        *(part for mark in marks for part in _whiskers(mark, panel, area)),
        *(part for line in panel.lines for part in _dots(line, panel, area)),
        *_labels(panel, area),
    )


def bar_plot(panel: BarPanel, frame: Frame) -> Markup:
    """Rows of horizontal bars with their names on the left."""
    labels_px = max(svg.width_px(row.label) for row in panel.rows) + 8
    labels_px = min(labels_px, 0.45 * frame.width)
    texts_px = max(svg.width_px(bar.text) for row in panel.rows for bar in row.bars) + 8
    area = _Area(
        left=labels_px,
        top=_HEADING_PX,
        width=frame.width - labels_px - texts_px,
        height=sum(_row_px(row) for row in panel.rows),
    )
    parts: list[Markup] = [svg.text(0, 11, panel.heading, bold=True), *_x_axis(panel.x, area)]
    top_px = area.top
    for row in panel.rows:
        words = svg.shortened(row.label, labels_px - 8)
        middle_px = top_px + _row_px(row) / 2
        parts.append(svg.text(labels_px - 8, middle_px + 4, words, anchor="end", kind="text"))
        for place, bar in enumerate(row.bars):
            y_px = top_px + _ROW_GAP_PX / 2 + place * _BAR_PX
            parts += _bar(bar, panel.x, area, y_px)
        top_px += _row_px(row)
    return group(frame, *parts)


def ridge_plot(panel: RidgePanel, frame: Frame) -> Markup:
    """Distributions, each with its name above it and its percentiles as marks."""
    area = _Area(left=0, top=_HEADING_PX, width=frame.width, height=_RIDGE_PX * len(panel.ridges))
    parts: list[Markup] = [svg.text(0, 11, panel.heading, bold=True), *_x_axis(panel.x, area)]
    for place, ridge in enumerate(panel.ridges):
        parts += _ridge(ridge, area, area.top + place * _RIDGE_PX)
    return group(frame, *parts)


def group(frame: Frame, *parts: Markup) -> Markup:
    """Elements that are placed from a panel's corner on."""
    return svg.element("g", {"transform": f"translate({frame.x:.1f} {frame.y:.1f})"}, *parts)


def _y_axis(axis: Axis, area: _Area) -> list[Markup]:
    parts = []
    for tick in axis.ticks:
        y = area.y(tick.at)
        kind = "base" if tick.at == 0 else "grid"
        parts.append(svg.line(area.left, y, area.left + area.width, y, kind=kind))
        parts.append(svg.text(area.left - 6, y + 4, tick.label, anchor="end"))
    return parts


def _x_axis(axis: Axis, area: _Area, heading: str = "") -> list[Markup]:
    parts = [svg.line(area.left, area.bottom, area.left + area.width, area.bottom, kind="base")]
    room_px = -1e9
    for tick in axis.ticks:
        x = area.x(tick.at)
        parts.append(svg.line(x, area.top, x, area.bottom + 3))
        half_px = svg.width_px(tick.label) / 2
        if x - half_px > room_px:
            middle = min(x, area.left + area.width + 14 - half_px)
            parts.append(
                svg.text(max(middle, half_px), area.bottom + 15, tick.label, anchor="middle")
            )
            room_px = x + half_px + 6
    if heading:
        middle = area.left + area.width / 2
        parts.append(svg.text(middle, area.bottom + 31, heading, anchor="middle"))
    return parts


def _divided(panel: XYPanel, area: _Area) -> list[Markup]:
    if panel.timed_from is None:
        return []
    x = area.x(panel.x.at(panel.timed_from))
    return [
        svg.line(x, area.top, x, area.bottom, kind="base"),
        svg.text(x + 4, area.top + 9, "timed →"),
    ]


def _place(mark: Mark, panel: XYPanel, area: _Area) -> tuple[float, float]:
    return area.x(panel.x.at(mark.x)), area.y(panel.y.at(mark.y))


def _joined(line: Line, panel: XYPanel, area: _Area) -> list[Markup]:
    if not line.is_joined or len(line.marks) < 2:
        return []
    places = (_place(mark, panel, area) for mark in line.marks)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    attributes = {**svg.stroked(svg.series(line.series)), "stroke-width": 1.6, "points": points}
    return [svg.element("polyline", {**attributes, "stroke-linejoin": "round"})]


def _whiskers(mark: Mark, panel: XYPanel, area: _Area) -> list[Markup]:
    x, y = _place(mark, panel, area)
    parts = []
    if mark.y_ends is not None:
        low, high = (area.y(panel.y.at(end)) for end in mark.y_ends)
        is_cut = mark.y_ends[1] > panel.y.end
        end = "" if is_cut else "m-3 0h6"
        parts.append(svg.whisker(f"M{x - 3:.1f} {low:.1f}h6m-3 0V{high:.1f}{end}"))
        if is_cut:
            parts.append(svg.text(x, high + 6, "▴", anchor="middle", kind="text"))
    if mark.x_ends is not None:
        low, high = (area.x(panel.x.at(end)) for end in mark.x_ends)
        parts.append(svg.whisker(f"M{low:.1f} {y - 3:.1f}v6m0-3H{high:.1f}m0-3v6"))
    return parts


def _dots(line: Line, panel: XYPanel, area: _Area) -> list[Markup]:
    if not line.has_dots:
        return []
    return [
        dot(line.series, *_place(mark, panel, area), shade=mark.shade, title=mark.title)
        for mark in line.marks
    ]


def _labels(panel: XYPanel, area: _Area) -> list[Markup]:
    """The names of points, each where it covers no other point and no other name."""
    places = [(mark, *_place(mark, panel, area)) for line in panel.lines for mark in line.marks]
    taken = [Box(left=x - 6, top=y - 6, width=12, height=12) for _, x, y in places]
    inside = Box(left=area.left, top=0, width=area.width + 14, height=area.bottom)
    parts: list[Markup] = []
    for mark, x, y in places if len(places) <= _MOST_LABELLED else ():
        if mark.label:
            box = free_place(x, y, svg.width_px(mark.label), taken, inside)
            if box is not None:
                taken.append(box)
                parts.append(svg.text(box.left, box.top + 10, mark.label))
    return parts


def _row_px(row: BarRow) -> float:
    return _ROW_GAP_PX + _BAR_PX * len(row.bars)


def _bar(bar: Bar, axis: Axis, area: _Area, y: float) -> list[Markup]:
    end = area.x(axis.at(bar.value or 0.0))
    parts = []
    if bar.value is not None:
        shape = {"x": area.left, "y": y + 1, "width": end - area.left, "height": _BAR_PX - 2}
        colour = svg.filled(svg.series(bar.series))
        parts.append(svg.element("rect", {**colour, **shape, "opacity": ".62"}, title=bar.title))
    if bar.ends is not None:
        low, high = (area.x(axis.at(one)) for one in bar.ends)
        middle = y + _BAR_PX / 2
        is_cut = bar.ends[1] > axis.end
        cap = "" if is_cut else "m0-3v6"
        parts.append(svg.whisker(f"M{low:.1f} {middle - 3:.1f}v6m0-3H{high:.1f}{cap}"))
        if is_cut:
            parts.append(svg.text(high - 6, middle + 4, "▸", kind="text"))
        end = max(end, high)
    return [*parts, svg.text(end + 5, y + _BAR_PX - 2.5, bar.text, kind="text")]


def _ridge(ridge: Ridge, area: _Area, top: float) -> list[Markup]:
    base = top + _RIDGE_PX - 2
    height = _RIDGE_PX - _RIDGE_TOP_PX - 2
    colour = svg.filled(svg.series(0))
    points = [percentile_mark(name, area.x(at), base - height, height) for name, at in ridge.points]
    words = f"{ridge.label}: {ridge.figures}" if ridge.figures else ridge.label
    if svg.width_px(words) > area.width:
        words = svg.shortened(ridge.label, area.width)
    return [
        svg.text(0, top + 12, words, kind="text"),
        svg.line(area.left, base, area.left + area.width, base, kind="base"),
        svg.element(
            "path",
            {**colour, "opacity": ".6", "d": _outline(ridge.parts, area, base, height)},
            title=ridge.title,
        ),
        *points,
    ]


def _outline(parts: Sequence[float], area: _Area, base: float, height: float) -> str:
    """A staircase over those parts that have any; a part with few is at least a pixel high."""
    step = area.width / len(parts)
    path, is_up = [], False
    for place, part in enumerate(parts):
        if part:
            y = base - max(part * height, 1.0)
            path.append(f"{'V' if is_up else f'M{place * step:.1f} {base:.1f}V'}{y:.1f}")
            path.append(f"H{(place + 1) * step:.1f}")
        elif is_up:
            path.append(f"V{base:.1f}Z")
        is_up = bool(part)
    return "".join(path) + (f"V{base:.1f}Z" if is_up else "")
