"""The JSON that pytest-benchmark stores, for ``pytest-benchmark compare`` and ``hist``."""

import json
import statistics
from collections.abc import Sequence

from loadstone._version import __version__
from loadstone.export.case_names import names_by_clock
from loadstone.export.figures import clock_words, fact, figures, time_metric
from loadstone.model import Case, Metric, Run, Trial

SUMMARY = "for pytest-benchmark compare BASE.json NEW.json: a benchmark a Case, in seconds"
SUFFIX = ".json"

_MACHINE = {
    "node": "host.name",
    "machine": "machine.architecture",
    "release": "kernel.release",
    "fs": "fs.type",
    "storage": "storage.profile",
}


def render(run: Run) -> str:
    """Every Case with the time that its Trials took, and all metrics as ``extra_info``."""
    metric, called = time_metric(run, "pytest-benchmark"), names_by_clock(run)
    trials: dict[str, list[Trial]] = {}
    cases = {case.id: case for case in run.manifest.plan.cases}
    for case, trial in figures(run):
        if trial.metrics.get(metric.name, 0) > 0:
            trials.setdefault(case.id, []).append(trial)
    document = {
        "machine_info": _machine(run),
        "commit_info": {},
        "benchmarks": [
            _benchmark(run, cases[id_], called[id_], metric, own) for id_, own in trials.items()
        ],
        "datetime": run.manifest.created,
        "version": f"loadstone {__version__}",
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _machine(run: Run) -> dict[str, object]:
    known = {key: fact(run, name) for key, name in _MACHINE.items()}
    model = fact(run, "cpu.model")
    return {
        "system": "Linux",
        "clock": clock_words(run),
        **{key: text for key, text in known.items() if text},
        **({"cpu": {"brand_raw": model}} if model else {}),
    }


def _benchmark(
    run: Run, case: Case, name: str, metric: Metric, trials: Sequence[Trial]
) -> dict[str, object]:
    return {
        "group": case.workload,
        "name": name,
        "fullname": f"{case.workload}::{name}",
        "params": dict(case.axes),
        "param": None,
        "extra_info": _extra_info(run, case, metric, trials),
        "options": {"timer": "loadstone's core", "warmup": run.manifest.plan.warmups > 0},
        "stats": stats([trial.metrics[metric.name] / 1e9 for trial in trials]),
    }


def _extra_info(run: Run, case: Case, metric: Metric, trials: Sequence[Trial]) -> dict[str, object]:
    """Named as those that the fixture ``loadstone_benchmark`` keeps."""
    columns = {
        one.name: {
            "unit": one.unit,
            "better": one.better,
            "rounds": [trial.metrics.get(one.name) for trial in trials],
        }
        for one in run.manifest.metrics
    }
    return {
        "run": run.id,
        "loadstone": run.manifest.loadstone,
        "case": case.id,
        "label": case.label,
        "workload": case.workload,
        "metric": metric.name,
        "metrics": columns,
    }


def stats(data_s: Sequence[float]) -> dict[str, object]:
    """The figures of pytest-benchmark's tables, by its definitions.

    Source: documentation of pytest-benchmark 5, "Usage"; quartiles by the methods 2 and 3 of
    https://en.wikipedia.org/wiki/Quartile#Computing_methods.
    """
    mean, median = statistics.mean(data_s), statistics.median(data_s)
    deviation = statistics.stdev(data_s) if len(data_s) > 1 else 0.0
    first, third = _quartiles(data_s)
    low, high = first - 1.5 * (third - first), third + 1.5 * (third - first)
    beyond = sum(not mean - deviation <= one <= mean + deviation for one in data_s)
    outliers = sum(not low <= one <= high for one in data_s)
    return {
        **{"min": min(data_s), "max": max(data_s), "mean": mean, "stddev": deviation},
        **{"rounds": len(data_s), "iterations": 1, "median": median},
        **{"iqr": third - first, "q1": first, "q3": third},
        **{"iqr_outliers": outliers, "stddev_outliers": beyond},
        "outliers": f"{beyond};{outliers}",
        "ld15iqr": min(one for one in data_s if one >= low),
        "hd15iqr": max(one for one in data_s if one <= high),
        **{"ops": len(data_s) / sum(data_s), "total": sum(data_s), "data": list(data_s)},
    }


def _quartiles(data: Sequence[float]) -> tuple[float, float]:
    """Medians of the halves; of an odd number the mean of those with and without the middle."""
    ordered, half = sorted(data), len(data) // 2
    if len(data) == 1:
        return ordered[0], ordered[0]
    if len(data) % 2 == 0:
        return statistics.median(ordered[:half]), statistics.median(ordered[half:])
    without = statistics.median(ordered[:half]), statistics.median(ordered[half + 1 :])
    within = statistics.median(ordered[: half + 1]), statistics.median(ordered[half:])
    return (without[0] + within[0]) / 2, (without[1] + within[1]) / 2
