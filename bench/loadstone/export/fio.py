"""A result of fio (json+): a job a Trial, with its latencies, for what reads fio's results.

Source: HOWTO of fio, "JSON+ output"; stat.c and stat.h of fio 3 (names, units, bins).
"""

import json
import math
import time
from collections.abc import Sequence

from loadstone._version import __version__
from loadstone.analysis import time_base
from loadstone.core.evidence import timed_ns
from loadstone.core.histogram import merge
from loadstone.errors import CannotMeasureError
from loadstone.export.case_names import names_by_clock
from loadstone.export.figures import clock_words, figures, setting, started_at
from loadstone.export.fio_latencies import NONE, latencies
from loadstone.export.fio_options import job_options
from loadstone.model import Case, Histogram, Run, Trial
from loadstone.result_names import ELAPSED_NS
from loadstone.units import convert

SUMMARY = "fio's json+: a job a Trial with its latencies, for fio_jsonplus_clat2csv and the like"
SUFFIX = ".json"

# Which of its forms this is.
_VERSION = "fio-3.33"
_DIRECTIONS = ("read", "write", "trim")
_BYTES = ("bytes", "file_bytes")
_CPU = {"usr_cpu": "user_ns", "sys_cpu": "system_ns"}
_COUNTS = {
    "ctx": ("voluntary_switches", "involuntary_switches"),
    "majf": ("major_faults",),
    "minf": ("minor_faults",),
}
_KIB = 1024


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
    counted_by = time_base.clock_of(run.manifest.environment)
    options = {
        "name": name,
        "description": about,
        **({"filename": file} if file else {}),
        # By which a job of the lab is another one to those who match jobs by their options.
        **({"clocksource": time_base.tag(counted_by)} if counted_by else {}),
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
        **_counters(trial, runtime_ms),
    }


def _counters(trial: Trial, runtime_ms: int) -> dict[str, object]:
    """CPU in percent of the runtime, switches and faults, as far as they are known."""
    percent: dict[str, object] = {
        name: trial.evidence[counter] / runtime_ms / 1e4
        for name, counter in _CPU.items()
        if counter in trial.evidence
    }
    return percent | {
        name: round(sum(trial.evidence[one] for one in counters))
        for name, counters in _COUNTS.items()
        if trial.evidence.keys() >= {*counters}
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
        return _rates(0, 0, 0, 0) | {"slat_ns": NONE, "clat_ns": NONE, "lat_ns": NONE}
    size_bytes = next((trial.evidence[one] for one in _BYTES if one in trial.evidence), 0)
    bytes_per_s = _throughput(run, trial)
    if bytes_per_s is None and elapsed_ns:
        bytes_per_s = size_bytes / elapsed_ns * 1e9
    took_ns = size_bytes / bytes_per_s * 1e9 if bytes_per_s else elapsed_ns
    return _rates(size_bytes, bytes_per_s or 0, latency.count, took_ns) | {
        "slat_ns": NONE,
        "clat_ns": latencies(latency, with_bins=True),
        "lat_ns": latencies(latency, with_bins=False),
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


def _syncs(trial: Trial) -> dict[str, object]:
    latency = _histogram(trial, "sync")
    if latency is None:
        return {"total_ios": 0, "lat_ns": NONE}
    return {"total_ios": latency.count, "lat_ns": latencies(latency, with_bins=True)}


def _histogram(trial: Trial, name: str) -> Histogram | None:
    return merge(one for one in trial.histograms if one.name == name and one.count)


def _started_ms(trial: Trial) -> int:
    return round(started_at(trial).timestamp() * 1000)
