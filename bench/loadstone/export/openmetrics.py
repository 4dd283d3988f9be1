"""OpenMetrics text: a sample a Trial at the time it began, for Prometheus and what reads it.

Source: the OpenMetrics specification 1.0 (UNIT, INFO, escaping of label values).
"""

from collections.abc import Iterator, Mapping

from loadstone._version import __version__
from loadstone.analysis import time_base
from loadstone.export.case_names import names
from loadstone.export.figures import clock_words, figures, setting, started_at
from loadstone.export.metric_names import spelled
from loadstone.model import Case, Metric, Run, Trial

SUMMARY = "a sample a Trial at its time: promtool tsdb create-blocks-from openmetrics FILE"
SUFFIX = ".txt"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(run: Run) -> str:
    """A gauge for each metric, and one info that says where all were taken."""
    trials = sorted(figures(run), key=lambda pair: (pair[0].id, started_at(pair[1])))
    lines = [*_info(run, min(started_at(trial).timestamp() for _, trial in trials))]
    for metric in run.manifest.metrics:
        stem, unit = spelled(metric)
        name = f"loadstone_{stem}"
        samples = [*_samples(run, metric, name, trials)]
        if samples:
            lines += [f"# TYPE {name} gauge", f"# UNIT {name} {unit}", *_help(metric, name)]
            lines += samples
    return "\n".join([*lines, "# EOF", ""])


def _help(metric: Metric, name: str) -> Iterator[str]:
    yield f"# HELP {name} {metric.name} in {metric.unit}, {metric.better} is better"


def _info(run: Run, at_s: float) -> Iterator[str]:
    """With a time as all else: promtool takes no file with a sample that has none."""
    manifest = run.manifest
    labels = {
        "run": run.id,
        "created": manifest.created,
        "plan": manifest.plan.name,
        "workload": manifest.plan.workload,
        "target": manifest.environment.target,
        "clock_words": clock_words(run),
        "loadstone": manifest.loadstone,
        "exported_by": __version__,
        **_where(run),
    }
    yield "# TYPE loadstone_run info"
    yield "# HELP loadstone_run The Run that all samples are of, and what they were taken by"
    yield f"loadstone_run_info{_labels(labels)} 1 {at_s:.3f}"


def _where(run: Run) -> dict[str, str]:
    """What tells figures apart that are not to be compared: a series for each set of these."""
    tag = time_base.tag(time_base.clock_of(run.manifest.environment))
    return {"clock": tag, **setting(run)}


def _samples(
    run: Run, metric: Metric, name: str, trials: list[tuple[Case, Trial]]
) -> Iterator[str]:
    called, where = names(run), _where(run)
    for case, trial in trials:
        if metric.name in trial.metrics:
            labels = {"workload": case.workload, "case": case.id, "name": called[case.id], **where}
            at_s = started_at(trial).timestamp()
            yield f"{name}{_labels(labels)} {trial.metrics[metric.name]!r} {at_s:.3f}"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = (f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
    return "{" + ",".join(pairs) + "}"
