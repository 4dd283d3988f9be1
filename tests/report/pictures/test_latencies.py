"""A distribution of latencies is the histograms of all rounds, on a logarithmic axis."""

import math

import pytest

from loadstone.core.histogram import merge
from loadstone.model import Histogram
from loadstone.report.pictures.drawing import RidgePanel
from loadstone.report.pictures.latencies import latency_drawing
from loadstone.report.strips import reported
from report.pages import FAST, good_trial, run_with


def _histogram(name: str, buckets: dict[int, int]) -> Histogram:
    return Histogram(
        name=name,
        count=sum(buckets.values()),
        min_ns=min(buckets),
        max_ns=max(buckets),
        sum_ns=sum(bound * count for bound, count in buckets.items()),
        buckets=buckets,
    )


def _panel(histogram: Histogram) -> RidgePanel:
    entry = reported(run_with(good_trial(FAST, 0, 1e9), cases=(FAST,)))
    drawing = latency_drawing(entry.cases, {FAST.id: {histogram.name: histogram}})
    assert drawing is not None
    (panel,) = drawing.panels
    assert isinstance(panel, RidgePanel)
    return panel


def test_heights_are_the_square_roots_of_counts_at_their_place() -> None:
    panel = _panel(_histogram("read", {1000: 900, 10_000: 100, 100_000: 9}))
    (ridge,) = panel.ridges
    found = [(place, part) for place, part in enumerate(ridge.parts) if part]
    assert [part for _, part in found] == [1, pytest.approx(1 / 3, abs=0.001), 0.1]
    first, second, third = (place for place, _ in found)
    assert third - second == pytest.approx(second - first, abs=1)
    at = dict(ridge.points)
    assert at["p50"] == pytest.approx(panel.x.at(1000), abs=0.2)
    assert at["p99"] == pytest.approx(panel.x.at(10_000), abs=0.2)


def test_percentiles_of_too_few_operations_are_not_marked() -> None:
    (ridge,) = _panel(_histogram("read", {1000: 90})).ridges
    assert [name for name, _ in ridge.points] == ["p50"]


def test_an_operation_that_took_no_time_is_drawn() -> None:
    (ridge,) = _panel(_histogram("read", {0: 5, 500: 5})).ridges
    assert sum(1 for part in ridge.parts if part) == 2


def test_a_narrow_distribution_has_no_comb_of_parts_without_buckets() -> None:
    """Of the core's buckets, 128 for each power of two, each part has at least one."""
    step = 4096 // 128
    (ridge,) = _panel(_histogram("read", dict.fromkeys(range(4096, 8192, step), 7))).ridges
    first = next(place for place, part in enumerate(ridge.parts) if part)
    filled = ridge.parts[first:]
    assert all(filled[: len([part for part in filled if part])])


def test_many_histograms_are_one() -> None:
    many = [_histogram("read", {1000 + number: 1, 5000: 2}) for number in range(50)]
    merged = merge(many)
    assert merged is not None
    assert merged.count == 150
    assert merged.buckets[5000] == 100
    assert list(merged.buckets) == sorted(merged.buckets)
    assert (merged.min_ns, merged.max_ns) == (1000, 5000)
    assert merged.sum_ns == sum(one.sum_ns for one in many)
    assert math.isclose(merged.sum_ns, 50 * 11_000 + sum(range(50)))


def test_a_histogram_that_contradicts_itself_is_drawn_as_far_as_it_goes() -> None:
    odd = Histogram(name="read", count=5, min_ns=100, max_ns=1, sum_ns=0, buckets={})
    (ridge,) = _panel(odd).ridges
    assert not any(ridge.parts)
