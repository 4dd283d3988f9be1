"""Spans are drawn in lanes, and none hides another."""

from collections.abc import Iterator

from loadstone.model import Span
from loadstone.report.lanes import colours_of, lanes_of
from loadstone.report.scale import axis_to


def _bars(*spans: Span, end_ns: int = 1_000_000) -> list[tuple[str, int, float, float]]:
    lanes = lanes_of(spans, axis_to(end_ns, "ns"), colours_of(spans))
    return [(bar.colour, bar.y, bar.x, bar.width) for lane in lanes for bar in lane.bars]


def _many(name: str, start_ns: int, step_ns: int, length_ns: int, count: int) -> Iterator[Span]:
    for i in range(count):
        at = start_ns + i * step_ns
        yield Span(name=name, lane=0, start_ns=at, end_ns=at + length_ns)


def test_spans_less_than_a_pixel_apart_are_one_bar() -> None:
    assert _bars(*_many("read", 0, 1000, 600, 1000)) == [("c-read", 0, 0.0, 99.96)]


def test_a_gap_that_can_be_seen_is_kept() -> None:
    assert len(_bars(*_many("read", 0, 10_000, 5000, 100))) == 100


def test_a_span_too_short_to_see_is_drawn_a_pixel_wide() -> None:
    assert _bars(Span(name="open", lane=0, start_ns=500, end_ns=501)) == [
        ("c-open", 0, 0.05, 0.133)
    ]


def test_spans_of_a_lane_that_overlap_do_not_hide_one_another() -> None:
    spans = (
        Span(name="read", lane=0, start_ns=0, end_ns=800_000),
        Span(name="sync", lane=0, start_ns=200_000, end_ns=300_000),
        Span(name="map", lane=0, start_ns=850_000, end_ns=900_000),
    )
    assert [(colour, y) for colour, y, _, _ in _bars(*spans)] == [
        ("c-read", 0),
        ("c-map", 0),
        ("c-sync", 16),
    ]


def test_lanes_are_threads_in_their_order() -> None:
    spans = [Span(name="x", lane=lane, start_ns=0, end_ns=9) for lane in (1001, 1000, 2, 0)]
    lanes = lanes_of(spans, axis_to(9, "ns"), colours_of(spans))
    assert [lane.label for lane in lanes] == ["main", "thread 2", "allocator", "exporter"]
    assert lanes[0].y + lanes[0].height < lanes[1].y


def test_unknown_span_names_get_a_colour_but_are_no_class() -> None:
    spans = [Span(name='x" onload="', lane=0, start_ns=0, end_ns=9)]
    assert set(colours_of(spans).values()) <= {
        *(f"c-{n}" for n in ("open", "allocate", "prepare", "read")),
        *(f"c-{n}" for n in ("export", "map", "sync", "release", "0")),
    }
