"""Where the spans of a Trial are drawn: a lane a thread, without one hiding another."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from loadstone.model import Noun, Span
from loadstone.report.scale import Axis, format_ns
from loadstone.result_names import RELEASE_SPAN

# The core's lanes: 0 is the main thread, 1000 the one that allocates ahead of the readers, 1001
# the one that makes dma-bufs beside them.
_NAMES = {0: "main", 1000: "allocator", 1001: "exporter"}
_COLOURED = ("open", "allocate", "prepare", "read", "export", "map", "sync", RELEASE_SPAN)
_OTHER_COLOURS = 4
# Of a time line's width: a pixel, at about the widest that it is shown.
_PIXEL = 1 / 750
_ROW_PX, _ROW_GAP_PX, _LANE_GAP_PX = 14, 2, 6


class Bar(Noun, frozen=True, kw_only=True):
    """One or several spans of one name, drawn as one; ``x`` and ``width`` are in percent."""

    title: str
    colour: str
    x: float
    width: float
    y: int


class Lane(Noun, frozen=True, kw_only=True):
    """A thread, with its top and height in px."""

    label: str
    y: int
    height: int
    bars: tuple[Bar, ...]


class _Stretch(Noun, frozen=True, kw_only=True):
    """Spans of one name with less than a pixel between them."""

    name: str
    count: int
    start_ns: int
    end_ns: int
    busy_ns: int

    def with_next(self, span: Span) -> "_Stretch":
        return _Stretch(
            name=self.name,
            count=self.count + 1,
            start_ns=self.start_ns,
            end_ns=max(self.end_ns, span.end_ns),
            busy_ns=self.busy_ns + span.end_ns - span.start_ns,
        )


def colours_of(spans: Iterable[Span]) -> Mapping[str, str]:
    """A CSS class for every span name; the name itself, from a device, never is one."""
    others = sorted({span.name for span in spans} - set(_COLOURED))
    known = {name: f"c-{name}" for name in _COLOURED}
    return known | {name: f"c-{place % _OTHER_COLOURS}" for place, name in enumerate(others)}


def lanes_of(spans: Sequence[Span], axis: Axis, colours: Mapping[str, str]) -> tuple[Lane, ...]:
    """A Trial's spans as lanes from top to bottom; a lane whose spans overlap has several rows."""
    lanes: list[Lane] = []
    top_px = 0
    for number, group in groupby(sorted(spans, key=lambda span: span.lane), lambda s: s.lane):
        rows = _rows(list(group), axis.end * _PIXEL)
        bars = tuple(
            _bar(stretch, axis, colours[stretch.name], top_px + place * (_ROW_PX + _ROW_GAP_PX))
            for place, row in enumerate(rows)
            for stretch in sorted(row, key=lambda stretch: stretch.start_ns - stretch.end_ns)
        )
        height_px = len(rows) * (_ROW_PX + _ROW_GAP_PX) - _ROW_GAP_PX
        lanes.append(Lane(label=_label(number), y=top_px, height=height_px, bars=bars))
        top_px += height_px + _LANE_GAP_PX
    return tuple(lanes)


def _label(number: int) -> str:
    return _NAMES.get(number, f"thread {number}")


def _rows(spans: Sequence[Span], pixel_ns: float) -> list[list[_Stretch]]:
    rows: list[list[_Stretch]] = []
    ordered = sorted(spans, key=lambda span: span.start_ns)
    for name in dict.fromkeys(span.name for span in ordered):
        stretches = _stretches((span for span in ordered if span.name == name), pixel_ns)
        fitting = (row for row in rows if not _overlap(row + stretches, pixel_ns))
        row = next(fitting, None)
        if row is None:
            rows.append(stretches)
        else:
            row.extend(stretches)
    return rows


def _stretches(ordered: Iterable[Span], pixel_ns: float) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    for span in ordered:
        if stretches and span.start_ns - stretches[-1].end_ns < pixel_ns:
            stretches[-1] = stretches[-1].with_next(span)
        else:
            length_ns = span.end_ns - span.start_ns
            stretches.append(
                _Stretch(
                    name=span.name,
                    count=1,
                    start_ns=span.start_ns,
                    end_ns=span.end_ns,
                    busy_ns=length_ns,
                )
            )
    return stretches


def _overlap(stretches: Iterable[_Stretch], pixel_ns: float) -> bool:
    """Whether one of them would hide another by more than a pixel."""
    ordered = sorted(stretches, key=lambda stretch: stretch.start_ns)
    longest = ordered[0]
    for stretch in ordered[1:]:
        if min(longest.end_ns, stretch.end_ns) - stretch.start_ns > pixel_ns:
            return True
        longest = max(longest, stretch, key=lambda one: one.end_ns)
    return False


def _bar(stretch: _Stretch, axis: Axis, colour: str, y_px: int) -> Bar:
    x = axis.at(stretch.start_ns)
    return Bar(
        title=_title(stretch),
        colour=colour,
        x=x,
        width=round(max(axis.at(stretch.end_ns) - x, 100 * _PIXEL), 3),
        y=y_px,
    )


def _title(stretch: _Stretch) -> str:
    text = f"{stretch.name}: {format_ns(stretch.end_ns - stretch.start_ns)}"
    # An untimed span is drawn earlier than it was.
    if stretch.name != RELEASE_SPAN:
        text += f" from {format_ns(stretch.start_ns)} on"
    if stretch.count > 1:
        text += f", {stretch.count} spans, busy {format_ns(stretch.busy_ns)}"
    return text
