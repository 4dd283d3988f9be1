"""A result of fio (json+): a job a Trial, with its latencies, for what reads fio's results.

Source: HOWTO of fio, "JSON+ output"; stat.c and stat.h of fio 3 (names, units, bins).
"""

import json
import math
import time
from collections.abc import Mapping, Sequence

from loadstone._version import __version__
from loadstone.core.evidence import timed_ns
from loadstone.core.histogram import merge, percentile
from loadstone.errors import CannotMeasureError
from loadstone.export.figures import (
    clock_words,
    figures,
    names_by_clock,
    setting,
    started_at,
)
from loadstone.export.fio_options import job_options
from loadstone.model import Case, Histogram, Run, Trial
from loadstone.result_names import ELAPSED_NS
from loadstone.units import convert

SUMMARY = "fio's json+: a job a Trial with its latencies, for fio_jsonplus_clat2csv and the like"
SUFFIX = ".json"

# Which of its forms this is.
_VERSION = "fio-3.33"
_DIRECTIONS = ("read", "write", "trim")
_PERCENTILES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
_BYTES = ("bytes", "file_bytes")
_KIB = 1024
# A bin is 2^-6 of a power of two wide, and the last is the one below 2^34 ns.
_BIN_BITS, _LAST_BIN_NS = 6, 17_112_760_320


def render(run: Run) -> str:
    """Trials of reads or writes whose latencies are known; each is a group of its own."""
    called = names_by_clock(run)
    held = [(case, trial) for case, trial in figures(run) if _direction(trial)]
    if not held:
        raise CannotMeasureError(
            f"{run.id} has no latencies of reads or writes, and a result of fio is of them",
            remedy="export it as csv or json",
        )
    ended_ms = max(_started_ms(trial) for _, trial in held)
    document = {
        "fio version": _VERSION,
        "timestamp": ended_ms // 1000,
        "timestamp_ms": ended_ms,
        "time": time.asctime(time.gmtime(ended_ms / 1000)),
        "loadstone": {
            "run": run.id,
            "version": __version__,
            "workload": run.manifest.plan.workload,
            "clock": clock_words(run),
            **setting(run),
        },
        "jobs": [
            _job(run, called[case.id], case, trial, group)
            for group, (case, trial) in enumerate(held)
        ],
        "disk_util": [],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def notes(runs: Sequence[Run]) -> list[str]:
    """The Cases that have figures, and no latencies."""
    return [
        f"{name}: no latencies of reads or writes, so fio has no job for it"
        for run in runs
        for id_, name in names_by_clock(run).items()
        if (own := [trial for case, trial in figures(run) if case.id == id_])
        and not any(map(_direction, own))
    ]


def _job(run: Run, name: str, case: Case, trial: Trial, group: int) -> dict[str, object]:
    direction = _direction(trial)
    elapsed_ns = timed_ns(trial.evidence) or trial.metrics.get(ELAPSED_NS, 0)
    runtime_ms = max(1, round(elapsed_ns / 1e6))
    about = f"loadstone {run.id}, case {case.id}, round {trial.round}"
    file = run.manifest.plan.input.file
    options = {
        "name": name,
        "description": about,
        **({"filename": file} if file else {}),
        **job_options(case, direction or ""),
    }
    return {
        "jobname": name,
        "groupid": group,
        "error": 0,
        "eta": 0,
        "elapsed": math.ceil(elapsed_ns / 1e9),
        "job_start": _started_ms(trial),
        "job options": options,
        **{one: _moved(run, trial, one, elapsed_ns, direction) for one in _DIRECTIONS},
        "sync": _syncs(trial),
        "job_runtime": runtime_ms,
        "usr_cpu": trial.evidence.get("user_ns", 0) / runtime_ms / 1e4,
        "sys_cpu": trial.evidence.get("system_ns", 0) / runtime_ms / 1e4,
        "ctx": round(_sum(trial, "voluntary_switches", "involuntary_switches")),
        "majf": round(_sum(trial, "major_faults")),
        "minf": round(_sum(trial, "minor_faults")),
    }


def _direction(trial: Trial) -> str | None:
    """Which of fio's directions a Trial has latencies of; of both, that of its writes."""
    known = {histogram.name for histogram in trial.histograms if histogram.count}
    return next((name for name in ("write", "read") if name in known), None)


def _moved(
    run: Run, trial: Trial, name: str, elapsed_ns: float, direction: str | None
) -> dict[str, object]:
    """The figures of a direction; zeros, as fio has them, of one that nothing was moved in."""
    latency = _histogram(trial, name) if name == direction else None
    if latency is None:
        return _rates(0, 0, 0, 0) | {"slat_ns": _NONE, "clat_ns": _NONE, "lat_ns": _NONE}
    size_bytes = next((trial.evidence[one] for one in _BYTES if one in trial.evidence), 0)
    bytes_per_s = _throughput(run, trial)
    if bytes_per_s is None and elapsed_ns:
        bytes_per_s = size_bytes / elapsed_ns * 1e9
    took_ns = size_bytes / bytes_per_s * 1e9 if bytes_per_s else elapsed_ns
    return _rates(size_bytes, bytes_per_s or 0, latency.count, took_ns) | {
        "slat_ns": _NONE,
        "clat_ns": _latency(latency, with_bins=True),
        "lat_ns": _latency(latency, with_bins=False),
    }


def _throughput(run: Run, trial: Trial) -> float | None:
    """As the Run has it: of folio-write, say, it leaves out the sync."""
    metric = next((one for one in run.manifest.metrics if one.name == "throughput"), None)
    if metric is None or metric.name not in trial.metrics:
        return None
    return convert(trial.metrics[metric.name], metric.unit, "B/s")


def _rates(
    size_bytes: float, bytes_per_s: float, operations: int, took_ns: float
) -> dict[str, object]:
    return {
        "io_bytes": round(size_bytes),
        "io_kbytes": round(size_bytes) // _KIB,
        "bw_bytes": round(bytes_per_s),
        "bw": round(bytes_per_s) // _KIB,
        "iops": operations / took_ns * 1e9 if took_ns else 0.0,
        "runtime": round(took_ns / 1e6),
        "total_ios": operations,
        "short_ios": 0,
        "drop_ios": 0,
    }


_NONE: Mapping[str, object] = {"min": 0, "max": 0, "mean": 0.0, "stddev": 0.0, "N": 0}


def _latency(histogram: Histogram, *, with_bins: bool) -> dict[str, object]:
    """What fio says of latencies; the deviation is that of the bins."""
    mean = histogram.sum_ns / histogram.count
    bins = _bins(histogram)
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


def _bins(histogram: Histogram) -> dict[int, int]:
    """Counts by the middles of fio's bins, which are as wide as two of ours."""
    bins: dict[int, int] = {}
    for bound_ns, count in sorted(histogram.buckets.items()):
        shift = max(0, bound_ns.bit_length() - _BIN_BITS - 1)
        half_ns = (1 << shift) // 2
        middle_ns = min((bound_ns >> shift << shift) + half_ns, _LAST_BIN_NS)
        bins[middle_ns] = bins.get(middle_ns, 0) + count
    return bins


def _syncs(trial: Trial) -> dict[str, object]:
    latency = _histogram(trial, "sync")
    if latency is None:
        return {"total_ios": 0, "lat_ns": _NONE}
    return {"total_ios": latency.count, "lat_ns": _latency(latency, with_bins=True)}


def _histogram(trial: Trial, name: str) -> Histogram | None:
    return merge(one for one in trial.histograms if one.name == name and one.count)


def _sum(trial: Trial, *counters: str) -> float:
    return sum(trial.evidence.get(name, 0) for name in counters)


def _started_ms(trial: Trial) -> int:
    return round(started_at(trial).timestamp() * 1000)
