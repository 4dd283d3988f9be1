"""JSON of the Python package pyperf, for ``pyperf show``, ``hist`` and ``compare_to``."""

import json

from loadstone._version import __version__
from loadstone.analysis import time_base
from loadstone.export.case_names import names_by_clock
from loadstone.export.figures import fact, figures, time_metric
from loadstone.model import Metric, Run

SUMMARY = "for pyperf show, hist and compare_to: a benchmark a Case, a run a Trial, in seconds"
SUFFIX = ".json"

# Source: pyperf 2, documentation of its JSON format: version of the document.
_VERSION = "1.0"
_METADATA = {
    "platform": "machine.architecture",
    "cpu_model_name": "cpu.model",
    "kernel": "kernel.release",
    "fs": "fs.type",
    "storage": "storage.profile",
}


def render(run: Run) -> str:
    """Every Case with the time that its Trials took."""
    metric, called = time_metric(run, "pyperf"), names_by_clock(run)
    seconds: dict[str, list[float]] = {}
    for case, trial in figures(run):
        if trial.metrics.get(metric.name, 0) > 0:
            seconds.setdefault(case.id, []).append(trial.metrics[metric.name] / 1e9)
    document = {
        "version": _VERSION,
        "metadata": _metadata(run, metric),
        "benchmarks": [
            {
                "metadata": {"name": called[id_]},
                "runs": [{"values": [value]} for value in values],
            }
            for id_, values in seconds.items()
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _metadata(run: Run, metric: Metric) -> dict[str, object]:
    known = {key: fact(run, name) for key, name in _METADATA.items()}
    return {
        "unit": "second",
        "loops": 1,
        "metric": metric.name,
        "clock": time_base.words(time_base.clock_of(run.manifest.environment)),
        "loadstone_version": __version__,
        "loadstone_run": run.id,
        **{key: text for key, text in known.items() if text},
    }
