"""JSON of the Python package pyperf, for ``pyperf show``, ``hist`` and ``compare_to``."""

import json

from loadstone._version import __version__
from loadstone.analysis import time_base
from loadstone.errors import CannotMeasureError
from loadstone.export.figures import fact, figures
from loadstone.model import Case, Metric, Run

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
    metric = _time(run)
    seconds: dict[str, list[float]] = {}
    cases: dict[str, Case] = {}
    for case, trial in figures(run):
        if trial.metrics.get(metric.name, 0) > 0:
            cases[case.id] = case
            seconds.setdefault(case.id, []).append(trial.metrics[metric.name] / 1e9)
    document = {
        "version": _VERSION,
        "metadata": _metadata(run, metric),
        "benchmarks": [
            {
                "metadata": {"name": _name(run, cases[id_])},
                "runs": [{"values": [value]} for value in values],
            }
            for id_, values in seconds.items()
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _name(run: Run, case: Case) -> str:
    """The label; in the lab with its clock, as pyperf compares whatever shares a name."""
    counted_by = time_base.clock_of(run.manifest.environment)
    return case.label if counted_by is None else f"{case.label} ({time_base.tag(counted_by)})"


def _time(run: Run) -> Metric:
    """The first metric that is a time: pyperf takes lower for better."""
    found = next((metric for metric in run.manifest.metrics if metric.unit == "ns"), None)
    if found is None:
        raise CannotMeasureError(
            f"{run.id} measures no time, and pyperf knows nothing else",
            remedy="export it as csv or json",
        )
    return found


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
