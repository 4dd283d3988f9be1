"""The figures of a job of a fio result: metrics, evidence and a histogram."""

import math
from collections.abc import Iterator, Mapping, Sequence

from loadstone.core.histogram import bucket_bound, percentile
from loadstone.errors import UsageError
from loadstone.fio.result_file import NO_RESULT, Direction, FioJob, Latency
from loadstone.model import Better, Histogram, Metric, Noun

METRICS = (
    Metric(name="throughput", unit="B/s", better=Better.HIGHER),
    Metric(name="iops", unit="operations/s", better=Better.HIGHER),
    Metric(name="clat_mean_ns", unit="ns", better=Better.LOWER),
    Metric(name="clat_p50_ns", unit="ns", better=Better.LOWER),
    Metric(name="clat_p99_ns", unit="ns", better=Better.LOWER),
    Metric(name="clat_p999_ns", unit="ns", better=Better.LOWER),
    Metric(name="cpu_per_gb", unit="s/GB", better=Better.LOWER),
)
"""What fio measures of a direction of a job; a Trial has those that fio printed."""

DIRECTIONS = ("read", "write", "trim")

_SHARES = {"clat_p50_ns": 50.0, "clat_p99_ns": 99.0, "clat_p999_ns": 99.9}
_CLAT = "clat"
_KIB = 1024


class JobFigures(Noun, frozen=True, kw_only=True):
    """What a Trial has of them."""

    metrics: Mapping[str, float]
    evidence: Mapping[str, float]
    histograms: tuple[Histogram, ...]
    notes: tuple[str, ...]


class Moved(Noun, frozen=True, kw_only=True):
    """What some jobs that ran side by side moved in one direction, in bytes, ns and s."""

    bytes: float
    operations: float
    bytes_per_s: float
    iops: float
    latencies: tuple[Latency, ...]


def moved(entries: Sequence[FioJob], name: str) -> Moved:
    """What all entries of a job moved in a direction: rates that ran side by side add up."""
    all_of = [getattr(entry, name) for entry in entries]
    return Moved(
        bytes=sum(_bytes(one) for one in all_of),
        operations=sum(_figure(one.total_ios) for one in all_of),
        bytes_per_s=sum(_bytes_per_s(one) for one in all_of),
        iops=sum(_figure(one.iops) for one in all_of),
        latencies=tuple(found for one in all_of if (found := _clat(one)).N),
    )


def figures_of(entries: Sequence[FioJob], name: str) -> JobFigures:
    """The figures of a job, of which there are several entries without ``group_reporting``.

    Raises:
        UsageError: a figure is none.
    """
    one = moved(entries, name)
    histogram = _histogram(one.latencies)
    metrics = {
        "throughput": one.bytes_per_s,
        "iops": one.iops,
        **_latencies(one.latencies, histogram),
        **_cpu_per_gb(entries),
    }
    return JobFigures(
        metrics=metrics,
        evidence=dict(_evidence(entries, name)),
        histograms=(histogram,) if histogram is not None else (),
        notes=tuple(_notes(entries, one, metrics)),
    )


def _latencies(latencies: Sequence[Latency], histogram: Histogram | None) -> dict[str, float]:
    """The mean, and those percentiles that are more than the slowest operation alone."""
    count = sum(one.N for one in latencies)
    if not count:
        return {}
    found = {"clat_mean_ns": sum(one.mean * one.N for one in latencies) / count}
    for metric, share in _SHARES.items():
        value = _percentile(latencies, histogram, share)
        # As in histograms of our own.
        if value is not None and count * (1 - share / 100) >= 1 - 1e-6:
            found[metric] = value
    return found


def _percentile(
    latencies: Sequence[Latency], histogram: Histogram | None, share: float
) -> float | None:
    """What fio says; of several entries, or of one that fio was not asked for, by its bins."""
    if len(latencies) == 1:
        for text, value in latencies[0].percentile.items():
            if math.isclose(_number(text), share, abs_tol=1e-4):
                return _figure(value)
    return None if histogram is None else percentile(histogram, share / 100)


def _histogram(latencies: Sequence[Latency]) -> Histogram | None:
    """The bins of json+, which are 1/64 of a power of two wide, as a histogram of ours."""
    if not latencies or not all(one.bins for one in latencies):
        return None
    buckets: dict[int, int] = {}
    for one in latencies:
        for text, count in one.bins.items():
            bound = bucket_bound(round(_figure(_number(text))))
            buckets[bound] = buckets.get(bound, 0) + count
    return Histogram(
        name=_CLAT,
        count=sum(buckets.values()),
        min_ns=round(min(one.min for one in latencies)),
        max_ns=round(max(one.max for one in latencies)),
        sum_ns=round(sum(one.mean * one.N for one in latencies)),
        buckets={bound: buckets[bound] for bound in sorted(buckets)},
    )


def _cpu_per_gb(entries: Sequence[FioJob]) -> dict[str, float]:
    """CPU time, user's and system's, by all that a job moved in any direction."""
    moved_bytes = sum(_bytes(getattr(entry, name)) for entry in entries for name in DIRECTIONS)
    if not moved_bytes or not all(entry.job_runtime for entry in entries):
        return {}
    cpu_s = sum(
        _figure(entry.usr_cpu + entry.sys_cpu) / 100 * _figure(entry.job_runtime) / 1000
        for entry in entries
    )
    return {"cpu_per_gb": cpu_s / (moved_bytes / 1e9)}


def _evidence(entries: Sequence[FioJob], name: str) -> Iterator[tuple[str, float]]:
    """What fio says besides: its samples within the one figure, and what the job took."""
    yield "fio.entries", len(entries)
    for field in ("ctx", "majf", "minf"):
        yield f"fio.{field}", sum(_figure(getattr(entry, field)) for entry in entries)
    all_of = [getattr(entry, name) for entry in entries]
    yield "fio.io_bytes", sum(map(_bytes, all_of))
    yield "fio.total_ios", sum(_figure(one.total_ios) for one in all_of)
    yield "fio.short_ios", sum(_figure(one.short_ios) for one in all_of)
    yield "fio.runtime_ms", max(_figure(one.runtime) for one in all_of)
    if len(entries) > 1:
        return
    (entry,), (one,) = entries, all_of
    yield "fio.usr_cpu_percent", _figure(entry.usr_cpu)
    yield "fio.sys_cpu_percent", _figure(entry.sys_cpu)
    if one.bw_samples:
        yield "fio.bw_samples", _figure(one.bw_samples)
        yield "fio.bw_min_per_s_bytes", _figure(one.bw_min) * _KIB
        yield "fio.bw_max_per_s_bytes", _figure(one.bw_max) * _KIB
        yield "fio.bw_stddev_per_s_bytes", _figure(one.bw_dev) * _KIB
        yield "fio.iops_stddev", _figure(one.iops_stddev)
    if (latency := _clat(one)).N:
        yield "fio.clat_max_ns", _figure(latency.max)
        yield "fio.clat_stddev_ns", _figure(latency.stddev)
    if one.slat_ns.N:
        yield "fio.slat_mean_ns", _figure(one.slat_ns.mean)
    if entry.sync.total_ios:
        yield "fio.syncs", _figure(entry.sync.total_ios)
        yield "fio.sync_mean_ns", _figure(entry.sync.lat_ns.mean)


def _notes(entries: Sequence[FioJob], one: Moved, metrics: Mapping[str, float]) -> Iterator[str]:
    if len(entries) > 1 and one.latencies and "clat_p50_ns" not in metrics:
        yield "no percentiles: those of several entries cannot be joined (group_reporting, json+)"
    if any(entry.read.clat or entry.write.clat or entry.trim.clat for entry in entries):
        yield "latencies in whole µs, as fio 2 has them"


def _clat(one: Direction) -> Latency:
    """Completion latencies in ns, which fio 2 has in µs."""
    if one.clat_ns is not None:
        return one.clat_ns
    if one.clat is None:
        return Latency()
    return Latency(
        min=one.clat.min * 1000,
        max=one.clat.max * 1000,
        mean=one.clat.mean * 1000,
        stddev=one.clat.stddev * 1000,
        # It is not said there: an entry without any has no slowest.
        N=one.clat.N or (one.total_ios if one.clat.max else 0),
        percentile={name: value * 1000 for name, value in one.clat.percentile.items()},
        bins={str(_number(bin) * 1000): count for bin, count in one.clat.bins.items()},
    )


def _bytes(one: Direction) -> float:
    """From ``io_bytes``, which was in KiB as long as there was no ``io_kbytes`` beside it."""
    return _figure(one.io_bytes) * (_KIB if one.io_kbytes is None else 1)


def _bytes_per_s(one: Direction) -> float:
    """From ``bw_bytes``; ``bw`` is in KiB/s, and its fraction is cut off."""
    return _figure(one.bw) * _KIB if one.bw_bytes is None else _figure(one.bw_bytes)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"{text[:64]!r} is no latency and no percentile", remedy=NO_RESULT
        ) from None


def _figure(value: float) -> float:
    """The same; nothing that fio measures is below zero or without end."""
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"{value:g} is no figure that a fio has measured", remedy=NO_RESULT)
    return value
