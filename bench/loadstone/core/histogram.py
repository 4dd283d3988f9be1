"""Percentiles of latency histograms. Pure: integers in ns in, integers in ns out."""

import math
from collections import Counter
from collections.abc import Iterable

from loadstone.model import Histogram

# Buckets are 1 ns wide up to here, and 2^-7 of their power of two above (loadstone.h).
_EXACT_NS = 1 << 7


def percentile(histogram: Histogram, share: float) -> int | None:
    """The latency that a share of the operations did not exceed (nearest rank), in ns.

    A value is taken to be in the middle of its bucket, so it is off by 0.4 % at most.

    Args:
        share: between 0 and 1; 0.99 is the 99th percentile, 0 the fastest operation.

    Returns:
        None where there are too few operations: below 100 the 99th percentile would be the
        slowest operation alone.

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is no share: write 0.99 for the 99th percentile")
    if share in (0, 1):
        return _extreme(histogram, share)
    # Rounded, as 0.07 × 100 is a little above 7 in floating point.
    if round(histogram.count * (1 - share), 6) < 1:
        return None
    rank = math.ceil(round(histogram.count * share, 6))
    return min(max(_middle(_bucket_of(histogram, rank)), histogram.min_ns), histogram.max_ns)


def bucket_bound(latency_ns: int) -> int:
    """The lower bound in ns of the bucket that a latency is counted in."""
    if latency_ns < _EXACT_NS:
        return latency_ns
    shift = latency_ns.bit_length() - _EXACT_NS.bit_length()
    return latency_ns >> shift << shift


def merge(histograms: Iterable[Histogram]) -> Histogram | None:
    """All operations of several histograms of one name as one histogram; None of none."""
    merged = list(histograms)
    counted = [histogram for histogram in merged if histogram.count]
    if len(counted) < 2:
        return next(iter([*counted, *merged]), None)
    buckets: Counter[int] = Counter()
    for histogram in counted:
        buckets.update(histogram.buckets)
    return Histogram(
        name=merged[0].name,
        count=sum(histogram.count for histogram in counted),
        min_ns=min(histogram.min_ns for histogram in counted),
        max_ns=max(histogram.max_ns for histogram in counted),
        sum_ns=sum(histogram.sum_ns for histogram in counted),
        buckets=dict(sorted(buckets.items())),
    )


def _extreme(histogram: Histogram, share: float) -> int | None:
    if not histogram.count:
        return None
    return histogram.max_ns if share else histogram.min_ns


def _bucket_of(histogram: Histogram, rank: int) -> int:
    """The lower bound in ns of the bucket that holds the rank-th fastest operation."""
    reached, bound_ns = 0, 0
    for bound_ns in sorted(histogram.buckets):
        reached += histogram.buckets[bound_ns]
        if reached >= rank:
            break
    return bound_ns


def _middle(bound_ns: int) -> int:
    if bound_ns < _EXACT_NS:
        return bound_ns
    return bound_ns + ((1 << (bound_ns.bit_length() - 1)) // _EXACT_NS - 1) // 2
