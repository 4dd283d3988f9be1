"""Percentiles of histograms say what the operations did, to within a bucket."""

import math
import random

import pytest

from loadstone.core.histogram import merge, percentile
from loadstone.core.native import histogram_of
from loadstone.model import Histogram

SHARES = (0.01, 0.25, 0.5, 0.9, 0.99, 0.999)


def _histogram(buckets: dict[int, int], min_ns: int, max_ns: int) -> Histogram:
    count = sum(buckets.values())
    return Histogram(
        name="read", count=count, min_ns=min_ns, max_ns=max_ns, sum_ns=0, buckets=buckets
    )


@pytest.mark.parametrize("scale_ns", [50, 20_000, 3_000_000, 4_000_000_000])
def test_percentiles_are_those_of_the_values_to_half_a_percent(scale_ns: int) -> None:
    generator = random.Random(scale_ns)
    values_ns = sorted(int(generator.lognormvariate(0, 1) * scale_ns) for _ in range(5000))
    histogram = histogram_of(values_ns)
    for share in SHARES:
        exact_ns = values_ns[math.ceil(share * len(values_ns)) - 1]
        assert percentile(histogram, share) == pytest.approx(exact_ns, rel=0.005)


def test_the_ends_are_exact() -> None:
    histogram = histogram_of([1_000_003, 2_000_003, 777_777_777])
    assert percentile(histogram, 0) == 1_000_003
    assert percentile(histogram, 1) == 777_777_777


def test_latencies_below_128_ns_are_exact() -> None:
    assert percentile(histogram_of([3, 7, 127]), 0.5) == 7


def test_no_percentile_leaves_the_range_that_was_measured() -> None:
    histogram = histogram_of([1_000_000] * 10)
    assert percentile(histogram, 0.5) == 1_000_000


@pytest.mark.parametrize(("count", "share"), [(1, 0.5), (9, 0.9), (99, 0.99), (999, 0.999)])
def test_a_percentile_of_too_few_operations_is_not_given(count: int, share: float) -> None:
    assert percentile(_histogram({100: count}, 100, 100), share) is None
    assert percentile(_histogram({100: count + 1}, 100, 100), share) == 100


def test_a_rank_is_not_lifted_by_floating_point() -> None:
    buckets = dict.fromkeys(range(1, 101), 1)
    assert percentile(_histogram(buckets, 1, 100), 0.07) == 7


def test_an_empty_histogram_has_no_percentiles() -> None:
    empty = _histogram({}, 0, 0)
    assert [percentile(empty, share) for share in (0, 0.5, 1)] == [None, None, None]


def test_a_percentage_is_refused_with_how_to_write_it() -> None:
    with pytest.raises(ValueError, match=r"99 is no share: write 0\.99"):
        percentile(_histogram({1: 1}, 1, 1), 99)


def test_merging_counts_what_counting_all_at_once_would() -> None:
    some, others = [5, 900, 1_000_000], [900, 70_000]
    merged = merge([histogram_of(some), histogram_of([]), histogram_of(others)])
    assert merged == histogram_of(some + others)


def test_nothing_merges_to_none() -> None:
    assert merge([]) is None
