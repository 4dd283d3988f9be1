"""Distributions of latencies on a logarithmic axis, with their percentiles marked."""

import math
from collections.abc import Mapping, Sequence

from loadstone.analysis.summary import CaseSummary
from loadstone.core.histogram import percentile
from loadstone.model import Histogram
from loadstone.report.pictures.drawing import Drawing, Key, Ridge, RidgePanel
from loadstone.report.scale import Axis, format_ns, log_axis

_PARTS = 160
# Fewer than buckets of the core, of which there are 128: else some parts have none.
_PARTS_OF_OCTAVE = 48
_POINTS = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
_ABOUT = (
    "Of single operations, over all rounds that count. Height: how many took so long, as the "
    "square root, so that few show as well; each Case's most is full height."
)


def latency_drawing(
    cases: Sequence[CaseSummary], merged: Mapping[str, Mapping[str, Histogram]]
) -> Drawing | None:
    """A panel for every sort of operation; None where none was timed one by one.

    Args:
        merged: by Case id, then by the operation's name.
    """
    names = dict.fromkeys(name for one in cases for name in merged.get(one.case.id, ()))
    panels = tuple(_panel(name, cases, merged) for name in names)
    if not panels:
        return None
    shown = {name for panel in panels for ridge in panel.ridges for name, _ in ridge.points}
    return Drawing(
        name="latencies",
        title="Latencies",
        about=_ABOUT,
        panels=panels,
        keys=tuple(Key(text=name, point=name) for name, _ in _POINTS if name in shown),
    )


def _panel(
    name: str, cases: Sequence[CaseSummary], merged: Mapping[str, Mapping[str, Histogram]]
) -> RidgePanel:
    found = [
        (one.case.label, merged[one.case.id][name])
        for one in cases
        if name in merged.get(one.case.id, ())
    ]
    low_ns = max(min(histogram.min_ns for _, histogram in found), 1)
    high_ns = max(low_ns, *(histogram.max_ns for _, histogram in found))
    axis = log_axis(low_ns, high_ns, "ns")
    return RidgePanel(
        heading=name,
        x=axis,
        ridges=tuple(_ridge(label, histogram, axis) for label, histogram in found),
    )


def _ridge(label: str, histogram: Histogram, axis: Axis) -> Ridge:
    found = ((name, percentile(histogram, share)) for name, share in _POINTS)
    points = [(name, value_ns) for name, value_ns in found if value_ns is not None]
    words = ", ".join(f"{name} {format_ns(value_ns)}" for name, value_ns in points)
    return Ridge(
        label=label,
        figures=words,
        title=f"{label}: {histogram.count:,} operations, {words or 'too few for percentiles'}, "
        f"slowest {format_ns(histogram.max_ns)}",
        parts=_parts(histogram, axis),
        points=tuple((name, axis.at(value_ns)) for name, value_ns in points),
    )


def _parts(histogram: Histogram, axis: Axis) -> tuple[float, ...]:
    """Counts of equal parts of the axis, as the square root of their share of the most."""
    octaves = math.log2(axis.end / axis.start)
    counts = [0] * min(_PARTS, int(_PARTS_OF_OCTAVE * octaves))
    for bound_ns, count in histogram.buckets.items():
        value_ns = min(max(bound_ns, histogram.min_ns), histogram.max_ns)
        counts[min(int(axis.at(value_ns) * len(counts) / 100), len(counts) - 1)] += count
    most = max(counts) or 1
    return tuple(round(math.sqrt(count / most), 3) for count in counts)
