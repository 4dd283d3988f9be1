"""Latencies as fio tells them: figures in ns, percentiles, and counts in its bins.

Source: HOWTO of fio, "JSON+ output"; stat.c and stat.h of fio 3.
"""

import math
from collections.abc import Mapping

from loadstone.core.histogram import percentile
from loadstone.model import Histogram

_PERCENTILES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
# A bin is 2^-6 of a power of two wide, and the last is the one below 2^34 ns.
_BIN_BITS, _LAST_BIN_NS = 6, 17_112_760_320

NONE: Mapping[str, object] = {"min": 0, "max": 0, "mean": 0.0, "stddev": 0.0, "N": 0}
"""Those of which there were none."""


def latencies(histogram: Histogram, *, with_bins: bool) -> dict[str, object]:
    """What fio says of latencies; the deviation is that of the bins."""
    mean = histogram.sum_ns / histogram.count
    bins = bins_of(histogram)
    squares = sum(count * (latency_ns - mean) ** 2 for latency_ns, count in bins.items())
    found: dict[str, object] = {
        "min": histogram.min_ns,
        "max": histogram.max_ns,
        "mean": mean,
        "stddev": math.sqrt(squares / max(1, histogram.count - 1)),
        "N": histogram.count,
    }
    if with_bins:
        known = {f"{one:f}": percentile(histogram, one / 100) for one in _PERCENTILES}
        found["percentile"] = {text: value for text, value in known.items() if value is not None}
        found["bins"] = {str(latency_ns): count for latency_ns, count in bins.items()}
    return found


def bins_of(histogram: Histogram) -> dict[int, int]:
    """Counts by the middles of fio's bins, which are as wide as two of ours."""
    bins: dict[int, int] = {}
    for bound_ns, count in sorted(histogram.buckets.items()):
        shift = max(0, bound_ns.bit_length() - _BIN_BITS - 1)
        half_ns = (1 << shift) // 2
        middle_ns = min((bound_ns >> shift << shift) + half_ns, _LAST_BIN_NS)
        bins[middle_ns] = bins.get(middle_ns, 0) + count
    return bins
